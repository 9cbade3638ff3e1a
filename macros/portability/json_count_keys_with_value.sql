{#-
    How many keys of a JSON object have the whole number `value`; with `among`, an array of texts,
    how many of those keys. A number counts however it is written, the text of it as `2` or `2.0`;
    of a key given twice the last counts; anything but an object has none.
    Why: keys are data, so that no path can name them. DuckDB works on lists of keys and values;
    Postgres' `jsonb` looks keys up faster than it lists them.
-#}
{% macro json_count_keys_with_value(json, value, among=none) %}
    {{ return(adapter.dispatch("json_count_keys_with_value", "exhaust")(json, value, among)) }}
{% endmacro %}

{#-
    DuckDB lists a key as often as it is given. To hold a short list against another takes less time
    than to hash it: from the end, the first place of a key is its last. Of long lists, only those
    with a key of this value and of another are gone through so.
-#}
{% macro default__json_count_keys_with_value(json, value, among) %}
    list_transform(
        [
            {
                'keys':list_reverse(json_keys({{ json }})),
                'has_value':list_reverse(
                    list_transform(
                        {{ json }} ->> '$.*',
                        lambda held:coalesce(held in ('{{ value }}', '{{ value }}.0'), false)
                    )
                )
            }
        ],
        lambda entry:coalesce(
            case
                when
                    len(entry.keys) > 50
                    and not list_has_any(
                        list_where(entry.keys, entry.has_value),
                        list_where(
                            entry.keys, list_transform(entry.has_value, lambda is_held: not is_held)
                        )
                    )
                then
                    {%- if among is none %} list_unique(list_where(entry.keys, entry.has_value))
                    {%- else %}
                        len(list_intersect(list_where(entry.keys, entry.has_value), {{ among }}))
                    {%- endif %}
                else
                    len(
                        list_filter(
                            list_where(range(1, len(entry.keys) + 1), entry.has_value),
                            lambda place:
                            {%- if among is none %}
                                list_position(entry.keys, entry.keys[place]) = place
                            {%- else %}
                                case
                                    when list_contains({{ among }}, entry.keys[place])
                                    then list_position(entry.keys, entry.keys[place]) = place
                                    else false
                                end
                            {%- endif %}
                        )
                    )
            end,
            0
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
            where {{ postgres_json_is_number("entry.value", value) }}
        )
    {%- else %}
        (
            select count(*)
            from
                -- Else the JSON would be parsed for each key.
                (select {{ json }} as parsed offset 0) as held, unnest({{ among }}) as key
            where {{ postgres_json_is_number("(held.parsed -> key)", value) }}
        )
    {%- endif %}
{% endmacro %}

{#- Nearly all are written as one digit; what is written otherwise is the nearest floating-point
    number, as DuckDB takes it. -#}
{% macro postgres_json_is_number(json, value) %}
    case
        when {{ json }} #>> '{}' in ('{{ value }}', '{{ value }}.0')
        then true
        when length({{ json }} #>> '{}') < 3 or jsonb_typeof({{ json }}) <> 'number'
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
            (key, held) -> case
                when try_variant_get(held, '$', 'double') = {{ value }}
                then
                    schema_of_variant(held) rlike '^(BIGINT|DECIMAL|DOUBLE)'
                    or try_variant_get(held, '$', 'string') in ('{{ value }}', '{{ value }}.0')
                else false
            end
        )
    )
    {%- endset -%}
    {%- if among is none %} greatest(size({{ keys }}), 0)
    {%- else %} greatest(size(array_intersect({{ keys }}, {{ among }})), 0)
    {%- endif %}
{% endmacro %}
