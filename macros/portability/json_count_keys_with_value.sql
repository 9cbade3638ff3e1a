{#-
    How many keys of a JSON object have the whole number `value`; with `among`, an array of texts,
    how many of those keys. The text of the number counts too; anything but an object has none.
    Why: keys are data, so that no path can name them. DuckDB works on lists of keys and values;
    Postgres' `jsonb` looks keys up faster than it lists them.
-#}
{% macro json_count_keys_with_value(json, value, among=none) %}
    {{ return(adapter.dispatch("json_count_keys_with_value", "exhaust")(json, value, among)) }}
{% endmacro %}

{% macro default__json_count_keys_with_value(json, value, among) %}
    {%- set keys -%}
    list_where(
        json_keys({{ json }}),
        list_transform(
            {{ json }} ->> '$.*',
            lambda held:coalesce(held in ('{{ value }}', '{{ value }}.0'), false)
        )
    )
    {%- endset -%}
    {%- if among is none %} coalesce(list_unique({{ keys }}), 0)
    {%- else %}
        case
            -- To hash short lists takes longer than to hold each key against each. A list of one
            -- gives the keys a name, so that they are found once.
            when len({{ among }}) <= 50
            then
                coalesce(
                    list_transform(
                        [{{ keys }}],
                        lambda keys:len(
                            list_filter({{ among }}, lambda key:list_contains(keys, key))
                        )
                    )[1],
                    0
                )
            else coalesce(len(list_intersect({{ keys }}, {{ among }})), 0)
        end
    {%- endif %}
{% endmacro %}

{% macro postgres__json_count_keys_with_value(json, value, among) %}
    {%- if among is none %}
        (
            select count(*)
            from
                jsonb_each_text(
                    case when jsonb_typeof({{ json }}) = 'object' then {{ json }} else '{}' end
                ) as entry
            where entry.value in ('{{ value }}', '{{ value }}.0')
        )
    {%- else %}
        (
            select count(*)
            from
                -- Else the JSON would be parsed for each key.
                (select {{ json }} as parsed offset 0) as held, unnest({{ among }}) as key
            where held.parsed ->> key in ('{{ value }}', '{{ value }}.0')
        )
    {%- endif %}
{% endmacro %}

{% macro spark__json_count_keys_with_value(json, value, among) %}
    {%- set keys -%}
    map_keys(
        map_filter(
            try_variant_get({{ json }}, '$', 'map<string, string>'),
            (key, held) -> held in ('{{ value }}', '{{ value }}.0')
        )
    )
    {%- endset -%}
    {%- if among is none %} greatest(size({{ keys }}), 0)
    {%- else %} greatest(size(array_intersect({{ keys }}, {{ among }})), 0)
    {%- endif %}
{% endmacro %}
