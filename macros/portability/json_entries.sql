{#-
    Two columns of a SELECT that returns one row per key of a JSON object: `entry_key`, and its
    `entry_value`, as JSON. If a key appears twice, its last value counts. Anything but an object
    has no keys.
    Why: each engine unfolds objects with its own functions. DuckDB lists a key as often as it
    appears.
-#}
{% macro json_entries(json) %}
    {{ return(adapter.dispatch("json_entries", "exhaust")(json)) }}
{% endmacro %}

{% macro default__json_entries(json) %}
    unnest(list_sort(list_distinct(json_keys({{ json }})))) as entry_key,
    unnest(
        list_transform(
            list_sort(list_distinct(json_keys({{ json }}))),
            lambda key:json_extract({{ json }}, '$.*')[
                - list_position(list_reverse(json_keys({{ json }})), key)
            ]
        )
    ) as entry_value
{% endmacro %}

{% macro postgres__json_entries(json) %}
    {%- set object -%}
    case when jsonb_typeof({{ json }}) = 'object' then {{ json }} else '{}' end
    {%- endset -%}
    (jsonb_each({{ object }})).key as entry_key,
    (jsonb_each({{ object }})).value as entry_value
{% endmacro %}

{% macro spark__json_entries(json) %}
    explode(try_variant_get({{ json }}, '$', 'map<string, variant>')) as (entry_key, entry_value)
{% endmacro %}
