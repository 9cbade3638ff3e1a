with
    source as ({{ deduplicate("system_settings") }}),

    renamed as (
        select source.id as setting_id, nullif(source.value, '') as setting_value from source
    )

select *
from renamed
