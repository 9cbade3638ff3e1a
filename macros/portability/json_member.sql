{#-
    The value under a key of a JSON object, as JSON; null where it is absent.
    Why: DuckDB takes a path, Postgres a key.
-#}
{% macro json_member(json, key) %}
    {{ return(adapter.dispatch("json_member", "exhaust")(json, key)) }}
{% endmacro %}

{% macro default__json_member(json, key) %} ({{ json }} -> '$."{{ key }}"') {% endmacro %}

{% macro postgres__json_member(json, key) %}({{ json }} -> '{{ key }}') {% endmacro %}

{% macro spark__json_member(json, key) %}
    try_variant_get({{ json }}, '$["{{ key }}"]', 'variant')
{% endmacro %}
