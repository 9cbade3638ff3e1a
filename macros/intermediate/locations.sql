{#-
    SELECT of the known locations that JSON lists of location entries name, one row per entry: the
    `owner` of the list, the entry's `position`, and the location's ID, type, name and parent.

    An entry with an `id` is looked up only by it, an entry without one by its `code`. If several
    locations share the code, the one of the entry's own type counts, then the lowest ID.
      relation  a CTE or model that has the lists in a column `locations`
      owner     its column that identifies the owner of a list
-#}
{% macro resolve_locations(relation, owner) %}
    with
        unfolded as (select {{ owner }}, {{ json_elements("locations") }} from {{ relation }}),

        entries as (
            select
                unfolded.{{ owner }},
                unfolded.position,
                {{ json_text("unfolded.element", "id") }} as location_id,
                {{ json_text("unfolded.element", "code") }} as location_code,
                lower({{ json_text("unfolded.element", "type") }}) as location_type
            from unfolded
        ),

        candidates as (
            select
                entries.{{ owner }},
                entries.position,
                known.location_id,
                known.location_type,
                known.location_name,
                known.parent_id,
                1 as rank
            from entries
            inner join
                {{ ref("exhaust", "stg_locations") }} as known
                on entries.location_id = known.location_id
            union all
            select
                entries.{{ owner }},
                entries.position,
                known.location_id,
                known.location_type,
                known.location_name,
                known.parent_id,
                row_number() over (
                    partition by entries.{{ owner }}, entries.position
                    order by
                        coalesce(known.location_type = entries.location_type, false) desc,
                        {{ bytewise("known.location_id") }}
                ) as rank
            from entries
            inner join
                {{ ref("exhaust", "stg_locations") }} as known
                on entries.location_code = known.location_code
            where entries.location_id is null
        )

    select
        candidates.{{ owner }},
        candidates.position,
        candidates.location_id,
        candidates.location_type,
        candidates.location_name,
        candidates.parent_id
    from candidates
    where candidates.rank = 1
{% endmacro %}

{#-
    SELECT of one row per `owner`, with the name of its first location of each type.
      relation  a CTE with the columns `owner`, `location_type` and `location_name`
      order_by  its columns, or expressions over them, that say which location is first
-#}
{% macro location_names(relation, owner, order_by) %}
    select
        ranked.{{ owner }},
        {%- for type in ["state", "district", "block", "cluster"] %}
            max(
                case when ranked.location_type = '{{ type }}' then ranked.location_name end
            ) as {{ type }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from
        (
            select
                {{ relation }}.{{ owner }},
                {{ relation }}.location_type,
                {{ relation }}.location_name,
                row_number() over (
                    partition by {{ relation }}.{{ owner }}, {{ relation }}.location_type
                    order by {{ order_by | join(", ") }}
                ) as rank
            from {{ relation }}
        ) as ranked
    where ranked.rank = 1
    group by ranked.{{ owner }}
{% endmacro %}
