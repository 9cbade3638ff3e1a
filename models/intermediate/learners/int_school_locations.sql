with recursive
    schools as (
        select organisations.organisation_id as school_organisation_id, organisations.locations
        from {{ ref("exhaust", "stg_organisations") }} as organisations
        where organisations.is_school
    ),

    locations as (select * from {{ ref("exhaust", "stg_locations") }}),

    entry_locations as ({{ resolve_locations("schools", "school_organisation_id") }}),

    -- The location of an entry, then its parent, and so on to the top.
    ascents(
        school_organisation_id,
        position,
        distance,
        location_type,
        location_name,
        parent_id,
        path
    ) as (
        select
            entry_locations.school_organisation_id,
            entry_locations.position,
            0,
            entry_locations.location_type,
            entry_locations.location_name,
            entry_locations.parent_id,
            {{ dbt.array_construct(["entry_locations.location_id"]) }}
        from entry_locations
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
        -- If locations are ancestors of each other, the walk ends.
        where not {{ array_contains("ascents.path", "locations.location_id") }}
    ),

    school_locations as (
        -- The locations that the entries name come before all their ancestors.
        {{
            location_names(
                "ascents",
                "school_organisation_id",
                ["ascents.distance > 0", "ascents.position", "ascents.distance"],
            )
        }}
    )

select *
from school_locations
