with
    users as (select * from {{ ref("stg_users") }}),

    locations as (select * from {{ ref("stg_locations") }}),

    entries as ({{ located("users", "user_id") }}),

    ranked as (
        select
            entries.owner_id as user_id,
            locations.location_type,
            locations.location_name,
            row_number() over (
                partition by entries.owner_id, locations.location_type order by entries.position
            ) as place
        from entries
        inner join locations on entries.location_id = locations.location_id
    ),

    places as (
        select
            ranked.user_id,
            {{ name_of_type("ranked", "state") }} as state,
            {{ name_of_type("ranked", "district") }} as district,
            {{ name_of_type("ranked", "block") }} as block,
            {{ name_of_type("ranked", "cluster") }} as cluster
        from ranked
        where ranked.place = 1
        group by ranked.user_id
    )

select *
from places
