{#-
    SELECT of the places that a JSON list of location entries names, one row per entry that names a
    known place: `owner_id`, the entry's `position`, and the place's `location_id`.

    An entry with an `id` is looked up by it only, one without by its `code`; of several places with
    that code the one of the entry's own type counts, then the lowest id.
      relation  a CTE or model with the lists, its column `locations`
      owner     its column that says whose list it is
-#}
{% macro resolve_locations(relation, owner) %}
    with
        unfolded as (
            select {{ owner }} as owner_id, {{ json_elements("locations") }} from {{ relation }}
        ),

        entries as (
            select
                unfolded.owner_id,
                unfolded.position,
                {{ json_text("unfolded.element", "id") }} as location_id,
                {{ json_text("unfolded.element", "code") }} as location_code,
                lower({{ json_text("unfolded.element", "type") }}) as location_type
            from unfolded
        ),

        by_code as (
            select
                entries.owner_id,
                entries.position,
                places.location_id,
                row_number() over (
                    partition by entries.owner_id, entries.position
                    order by
                        coalesce(places.location_type = entries.location_type, false) desc,
                        {{ bytewise("places.location_id") }}
                ) as rank
            from entries
            inner join
                {{ ref("stg_locations") }} as places on entries.location_code = places.location_code
            where entries.location_id is null
        )

    select entries.owner_id, entries.position, places.location_id
    from entries
    inner join {{ ref("stg_locations") }} as places on entries.location_id = places.location_id
    union all
    select by_code.owner_id, by_code.position, by_code.location_id
    from by_code
    where by_code.rank = 1
{% endmacro %}
