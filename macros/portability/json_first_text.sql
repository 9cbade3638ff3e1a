{#-
    The first element of a JSON array as text; null for anything but an array, JSON null or empty.
    Why: DuckDB takes a path; a Postgres array index also finds its way into an object.
-#}
{% macro json_first_text(json) %}
    {{ return(adapter.dispatch("json_first_text", "exhaust")(json)) }}
{% endmacro %}

{% macro default__json_first_text(json) %} nullif({{ json }} ->> '$[0]', '') {% endmacro %}

{% macro postgres__json_first_text(json) %} nullif({{ json }} ->> 0, '') {% endmacro %}
