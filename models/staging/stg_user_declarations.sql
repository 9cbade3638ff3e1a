with
    source as ({{ deduplicate("user_declarations") }}),

    renamed as (
        select
            source.userid as user_id,
            source.orgid as org_id,
            source.persona,
            coalesce(source.status = 'VALIDATED', false) as is_validated,
            {{ json_text(parsed_json("source.userinfo"), "declared-school-udise-code") }}
            as school_id,
            {{ json_text(parsed_json("source.userinfo"), "declared-school-name") }} as school_name
        from source
    )

select *
from renamed
