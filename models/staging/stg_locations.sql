with
    source as ({{ deduplicate("location") }}),

    renamed as (
        select
            source.id as location_id,
            nullif(source.code, '') as location_code,
            nullif(source.name, '') as location_name,
            nullif(source.parentid, '') as parent_id,
            lower(nullif(source.type, '')) as location_type
        from source
    )

select *
from renamed
