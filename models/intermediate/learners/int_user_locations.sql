with
    users as (select * from {{ ref("exhaust", "stg_users") }}),

    -- Many users have the same list, so each list is parsed and looked up once.
    lists as (select distinct users.location_list from users where users.location_list is not null),

    parsed as (
        select lists.location_list, {{ parsed_json("lists.location_list") }} as locations from lists
    ),

    entry_locations as ({{ resolve_locations("parsed", "location_list") }}),

    user_locations as (
        {{ location_names("entry_locations", "location_list", ["entry_locations.position"]) }}
    )

select *
from user_locations
