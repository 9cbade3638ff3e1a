{#-
    The first element of a JSON array as text; null for anything but an array, JSON null or empty.
    Why: DuckDB takes a path; a Postgres array index also takes a text or number for an array of one.
-#}
{% macro json_first_text(json) %}
    {{ return(adapter.dispatch("json_first_text", "exhaust")(json)) }}
{% endmacro %}

{% macro default__json_first_text(json) %} nullif({{ json }} ->> '$[0]', '') {% endmacro %}

{% macro postgres__json_first_text(json) %}
    case when jsonb_typeof({{ json }}) = 'array' then nullif({{ json }} ->> 0, '') end
{% endmacro %}
