with recursive
    schools as (select * from {{ ref("stg_organisations") }} where is_school),

    locations as (select * from {{ ref("stg_locations") }}),

    named_places as ({{ resolve_locations("schools", "organisation_id") }}),

    -- The place of an entry, then the place it lies in, and so on up.
    ascents as (
        select
            named_places.owner_id as school_organisation_id,
            named_places.position,
            0 as distance,
            locations.location_type,
            locations.location_name,
            locations.parent_id,
            {{ dbt.array_construct(["locations.location_id"]) }} as path
        from named_places
        inner join locations on named_places.location_id = locations.location_id
        union all
        select
            ascents.school_organisation_id,
            ascents.position,
            ascents.distance + 1,
            locations.location_type,
            locations.location_name,
            locations.parent_id,
            {{ dbt.array_append("ascents.path", "locations.location_id") }}
        from ascents
        inner join locations on ascents.parent_id = locations.location_id
        -- A cycle of parents ends the walk.
        where not {{ array_contains("ascents.path", "locations.location_id") }}
    ),

    ranked as (
        select
            ascents.school_organisation_id,
            ascents.location_type,
            ascents.location_name,
            row_number() over (
                partition by ascents.school_organisation_id, ascents.location_type
                -- What an entry names itself comes before what any entry lies in.
                order by ascents.distance > 0, ascents.position, ascents.distance
            ) as rank
        from ascents
    ),

    places as (
        select
            ranked.school_organisation_id,
            {{ name_of_type("ranked", "state") }} as state,
            {{ name_of_type("ranked", "district") }} as district,
            {{ name_of_type("ranked", "block") }} as block,
            {{ name_of_type("ranked", "cluster") }} as cluster
        from ranked
        where ranked.rank = 1
        group by ranked.school_organisation_id
    )

select *
from places
