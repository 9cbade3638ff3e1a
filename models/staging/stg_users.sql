with
    source as (select * from {{ landing("user") }}),

    kept as ({{ one_row_a_key("source", "user") }}),

    renamed as (
        select
            kept.userid as user_id,
            nullif(kept.rootorgid, '') as root_org_id,
            {{ json_first_text(json_member(parsed_json("kept.framework"), "board")) }}
            as declared_board,
            {{ parsed_json("kept.profilelocation") }} as locations,
            {{ parsed_json("kept.profileusertypes") }} as user_types
        from kept
    )

select *
from renamed
