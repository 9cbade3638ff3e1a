{#-
    The value of a key in a JSON object, as JSON; null if there is none. If a key appears twice,
    its last value counts.
    Why: DuckDB takes a path, Postgres a key. DuckDB's path finds the first of two equal keys, so
    all keys are listed if the key might appear twice or be written with escapes.
-#}
{% macro json_member(json, key) %}
    {{ return(adapter.dispatch("json_member", "exhaust")(json, key)) }}
{% endmacro %}

{% macro default__json_member(json, key) %}
    list_transform(
        [{{ json }}],
        lambda whole: case
            when
                contains(whole, chr(92))
                or strlen(whole) - strlen(replace(whole, '"{{ key }}"', ''))
                > {{ key | length + 2 }}
            then
                list_where(
                    json_extract(whole, '$.*'),
                    list_transform(json_keys(whole), lambda found:found = '{{ key }}')
                )[-1]
            else json_extract(whole, '$."{{ key }}"')
        end
    )[1]
{% endmacro %}

{% macro postgres__json_member(json, key) %}({{ json }} -> '{{ key }}') {% endmacro %}

{% macro spark__json_member(json, key) %}
    try_variant_get({{ json }}, '$["{{ key }}"]', 'variant')
{% endmacro %}
