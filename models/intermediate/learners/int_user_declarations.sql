with
    declarations as (select * from {{ ref("exhaust", "stg_user_declarations") }}),

    ranked as (
        select
            declarations.user_id,
            declarations.persona,
            declarations.org_id,
            declarations.is_validated,
            declarations.school_id,
            declarations.school_name,
            row_number() over (
                partition by declarations.user_id
                order by
                    declarations.is_validated desc,
                    {{ bytewise("declarations.persona") }},
                    {{ bytewise("declarations.org_id") }}
            ) as rank
        from declarations
    ),

    chosen as (
        select
            ranked.user_id,
            ranked.persona,
            ranked.org_id,
            ranked.is_validated,
            ranked.school_id,
            ranked.school_name
        from ranked
        where ranked.rank = 1
    )

select *
from chosen
