with
    source as (select * from {{ landing("location") }}),

    kept as ({{ one_row_a_key("source", "location") }}),

    renamed as (
        select
            kept.id as location_id,
            nullif(kept.code, '') as location_code,
            nullif(kept.name, '') as location_name,
            nullif(kept.parentid, '') as parent_id,
            lower(nullif(kept.type, '')) as location_type
        from kept
    )

select *
from renamed
