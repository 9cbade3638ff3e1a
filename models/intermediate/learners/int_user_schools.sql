with
    memberships as (
        select * from {{ ref("exhaust", "stg_user_organisations") }} where not is_deleted
    ),

    schools as (select * from {{ ref("exhaust", "stg_organisations") }} where is_school),

    chosen as (
        select
            memberships.user_id,
            min({{ bytewise("memberships.organisation_id") }}) as school_organisation_id
        from memberships
        inner join schools on memberships.organisation_id = schools.organisation_id
        group by memberships.user_id
    )

select *
from chosen
