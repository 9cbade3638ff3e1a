with
    source as ({{ deduplicate("user") }}),

    renamed as (
        select
            source.userid as user_id,
            nullif(source.rootorgid, '') as root_org_id,
            {{ json_first_text(json_member(parsed_json("source.framework"), "board")) }}
            as declared_board,
            nullif(source.profilelocation, '') as location_list,
            nullif(source.profileusertypes, '') as role_list
        from source
    )

select *
from renamed
