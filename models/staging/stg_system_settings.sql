with
    source as (select * from {{ landing("system_settings") }}),

    kept as ({{ one_row_a_key("source", "system_settings") }}),

    renamed as (select kept.id as setting_id, nullif(kept.value, '') as setting_value from kept)

select *
from renamed
