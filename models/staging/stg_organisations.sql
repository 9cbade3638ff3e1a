with
    source as (select * from {{ landing("organisation") }}),

    kept as ({{ one_row_a_key("source", "organisation") }}),

    renamed as (
        select
            kept.id as organisation_id,
            nullif(kept.orgname, '') as organisation_name,
            nullif(kept.externalid, '') as external_id,
            coalesce({{ decimal_number("kept.organisationtype") }} = 2, false) as is_school,
            {{ parsed_json("kept.orglocation") }} as locations
        from kept
    )

select *
from renamed
