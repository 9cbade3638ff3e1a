with
    users as (select * from {{ ref("stg_users") }}),

    locations as (select * from {{ ref("stg_locations") }}),

    -- Many users have the same list: each is parsed and looked up once.
    lists as (select distinct users.location_list from users where users.location_list is not null),

    parsed as (
        select lists.location_list, {{ parsed_json("lists.location_list") }} as locations from lists
    ),

    entries as ({{ resolve_locations("parsed", "location_list") }}),

    ranked as (
        select
            entries.owner_id as location_list,
            locations.location_type,
            locations.location_name,
            row_number() over (
                partition by entries.owner_id, locations.location_type order by entries.position
            ) as rank
        from entries
        inner join locations on entries.location_id = locations.location_id
    ),

    places as (
        select
            ranked.location_list,
            {{ name_of_type("ranked", "state") }} as state,
            {{ name_of_type("ranked", "district") }} as district,
            {{ name_of_type("ranked", "block") }} as block,
            {{ name_of_type("ranked", "cluster") }} as cluster
        from ranked
        where ranked.rank = 1
        group by ranked.location_list
    )

select *
from places
