with
    source as (select * from {{ landing("user_declarations") }}),

    kept as ({{ one_row_a_key("source", "user_declarations") }}),

    renamed as (
        select
            kept.userid as user_id,
            kept.orgid as org_id,
            kept.persona,
            coalesce(kept.status = 'VALIDATED', false) as is_validated,
            {{ json_text(parsed_json("kept.userinfo"), "declared-school-udise-code") }}
            as school_id,
            {{ json_text(parsed_json("kept.userinfo"), "declared-school-name") }} as school_name
        from kept
    )

select *
from renamed
