{#-
    The first element of a JSON array if it is a non-empty string; otherwise null.
    Why: DuckDB takes a path. Postgres takes an index, but reads a string or number as an array of
    one element.
-#}
{% macro json_first_text(json) %}
    {{ return(adapter.dispatch("json_first_text", "exhaust")(json)) }}
{% endmacro %}

{% macro default__json_first_text(json) %}
    case when json_type({{ json }}, '$[0]') = 'VARCHAR' then nullif({{ json }} ->> '$[0]', '') end
{% endmacro %}

{% macro postgres__json_first_text(json) %}
    case
        when jsonb_typeof({{ json }}) = 'array' and jsonb_typeof({{ json }} -> 0) = 'string'
        then nullif({{ json }} ->> 0, '')
    end
{% endmacro %}

{% macro spark__json_first_text(json) %}
    case
        when {{ spark_scalar_type("try_variant_get(" ~ json ~ ", '$[0]', 'variant')") }} = 'STRING'
        then nullif(try_variant_get({{ json }}, '$[0]', 'string'), '')
    end
{% endmacro %}
