with
    source as ({{ deduplicate("organisation") }}),

    renamed as (
        select
            source.id as organisation_id,
            nullif(source.orgname, '') as organisation_name,
            nullif(source.externalid, '') as external_id,
            coalesce({{ decimal_number("source.organisationtype") }} = 2, false) as is_school,
            {{ parsed_json("source.orglocation") }} as locations
        from source
    )

select *
from renamed
