{#-
    SELECT of the known locations that JSON lists of location entries name, one row per entry: the
    `owner` of the list, the entry's `position`, and the location's ID, type, name and parent.

    An entry with an `id` is looked up only by it, an entry without one by its `code`. If several
    locations share the code, the one of the entry's own type counts, then the lowest ID.
      relation  a CTE or model that has the lists in a column `locations`
      owner     its column that identifies the owner of a list
-#}
{% macro resolve_locations(relation, owner) %}
    select
        entry_locations.{{ owner }},
        entry_locations.position,
        entry_locations.location_id,
        entry_locations.location_type,
        entry_locations.location_name,
        entry_locations.parent_id
    from ({{ location_entries(relation, owner) }}) as entry_locations
    where entry_locations.location_id is not null
{% endmacro %}

{#-
    SELECT of all entries of these lists, with their own ID, code and type, and the location that
    each names; that is null if it is unknown.
    Why with a lookup by both: an engine would write out entries that are read twice, and so all
    lists, even if only one is wanted.
-#}
{% macro location_entries(relation, owner) %}
    with
        unfolded as (select {{ owner }}, {{ json_elements("locations") }} from {{ relation }}),

        entries as (
            select
                unfolded.{{ owner }},
                unfolded.position,
                {{ json_text("unfolded.element", "id") }} as entry_id,
                {{ json_text("unfolded.element", "code") }} as entry_code,
                lower({{ json_text("unfolded.element", "type") }}) as entry_type
            from unfolded
        ),

        known as (
            select
                'id' as key_kind,
                by_id.location_id as key,
                by_id.location_id,
                by_id.location_type,
                by_id.location_name,
                by_id.parent_id
            from {{ ref("exhaust", "stg_locations") }} as by_id
            union all
            select
                'code',
                by_code.location_code,
                by_code.location_id,
                by_code.location_type,
                by_code.location_name,
                by_code.parent_id
            from {{ ref("exhaust", "stg_locations") }} as by_code
        ),

        candidates as (
            select
                entries.*,
                known.location_id,
                known.location_type,
                known.location_name,
                known.parent_id,
                row_number() over (
                    partition by entries.{{ owner }}, entries.position
                    order by
                        coalesce(known.location_type = entries.entry_type, false) desc,
                        {{ bytewise("known.location_id") }}
                ) as rank
            from entries
            left join
                known
                on coalesce(entries.entry_id, entries.entry_code) = known.key
                and case when entries.entry_id is null then 'code' else 'id' end = known.key_kind
        )

    select *
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
