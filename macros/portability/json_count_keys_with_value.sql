{#-
    The number of keys of a JSON object that have the whole number `value`; with `among`, an array
    of texts, only those keys count. A number counts however it is written, a string only as `2` or
    `2.0`. If a key appears twice, its last value counts. Anything but an object has none.
    Why: the keys are data, so no path can name them. DuckDB works on lists of keys and values;
    Postgres' `jsonb` looks keys up faster than it lists them.
-#}
{% macro json_count_keys_with_value(json, value, among=none) %}
    {{ return(adapter.dispatch("json_count_keys_with_value", "exhaust")(json, value, among)) }}
{% endmacro %}

{#-
    DuckDB lists a key as often as it appears. Cassandra writes a map in the order of its keys: if
    they ascend, no key appears twice. Comparing short lists takes less time than hashing them.
-#}
{% macro default__json_count_keys_with_value(json, value, among) %}
    {%- set has_value -%}
    list_transform(
        {{ json }} ->> '$.*',
        lambda found:coalesce(found in ('{{ value }}', '{{ value }}.0'), false)
    )
    {%- endset -%}
    coalesce(
        list_transform(
            [json_keys({{ json }})],
            lambda keys: case
                when len(list_filter(keys, lambda key, ordinal:key <= keys[ordinal - 1])) > 0
                then {{ duckdb_count_last_keys("keys", has_value, among) }}
                {%- if among is none %} else len(list_where(keys, {{ has_value }}))
                {%- else %}
                    when len({{ among }}) > 50
                    then len(list_intersect(list_where(keys, {{ has_value }}), {{ among }}))
                    else
                        len(
                            list_filter(
                                list_where(keys, {{ has_value }}),
                                lambda key:list_contains({{ among }}, key)
                            )
                        )
                {%- endif %}
            end
        )[1],
        0
    )
{% endmacro %}

{#- How many positions of `keys` have the value, are in `among`, and are the last of their key. -#}
{% macro duckdb_count_last_keys(keys, has_value, among) %}
    list_transform(
        [list_reverse({{ keys }})],
        lambda reversed_keys:len(
            list_filter(
                list_where(range(1, len({{ keys }}) + 1), {{ has_value }}),
                lambda ordinal:list_position(reversed_keys, {{ keys }} [ordinal]) + ordinal
                = len({{ keys }}) + 1
                {%- if among is not none %}
                    and coalesce(list_contains({{ among }}, {{ keys }} [ordinal]), false)
                {%- endif %}
            )
        )
    )[1]
{% endmacro %}

{% macro postgres__json_count_keys_with_value(json, value, among) %}
    {%- if among is none %}
        (
            select count(*)
            from
                jsonb_each(
                    case when jsonb_typeof({{ json }}) = 'object' then {{ json }} else '{}' end
                ) as entry
            where {{ postgres_json_is_number("entry.value", "(entry.value #>> '{}')", value) }}
        )
    {%- else %}
        (
            select count(*)
            from
                -- Without `offset 0`, the JSON would be parsed for each key.
                (select {{ json }} as json offset 0) as parsed, unnest({{ among }}) as key
            where
                {{
                    postgres_json_is_number(
                        "(parsed.json -> key)", "(parsed.json ->> key)", value
                    )
                }}
        )
    {%- endif %}
{% endmacro %}

{#-
    Almost all numbers are written as one digit. Any other is compared as the nearest
    floating-point number, as on DuckDB.
-#}
{% macro postgres_json_is_number(json, text, value) %}
    case
        when {{ text }} in ('{{ value }}', '{{ value }}.0')
        then true
        when length({{ text }}) < 3 or jsonb_typeof({{ json }}) <> 'number'
        then false
        when abs(cast({{ json }} as numeric) - {{ value }}) > 0.5
        then false
        else cast(cast({{ json }} as numeric) as double precision) = {{ value }}
    end
{% endmacro %}

{% macro spark__json_count_keys_with_value(json, value, among) %}
    {%- set keys -%}
    map_keys(
        map_filter(
            try_variant_get({{ json }}, '$', 'map<string, variant>'),
            (key, found) -> case
                when try_variant_get(found, '$', 'double') = {{ value }}
                then
                    schema_of_variant(found) rlike '^(BIGINT|DECIMAL|DOUBLE)'
                    or try_variant_get(found, '$', 'string') in ('{{ value }}', '{{ value }}.0')
                else false
            end
        )
    )
    {%- endset -%}
    {%- if among is none %} greatest(size({{ keys }}), 0)
    {%- else %} greatest(size(array_intersect({{ keys }}, {{ among }})), 0)
    {%- endif %}
{% endmacro %}
