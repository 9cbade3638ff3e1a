{#-
    The elements of a JSON array as an array of texts; empty for anything but an array.
    Why: DuckDB extracts them with a path, Postgres with a subquery.
-#}
{% macro json_texts(json) %}
    {{ return(adapter.dispatch("json_texts", "exhaust")(json)) }}
{% endmacro %}

{% macro default__json_texts(json) %} coalesce({{ json }} ->> '$[*]', []) {% endmacro %}

{% macro postgres__json_texts(json) %}
    array(
        select *
        from
            jsonb_array_elements_text(
                case when jsonb_typeof({{ json }}) = 'array' then {{ json }} else '[]' end
            )
    )
{% endmacro %}

{% macro spark__json_texts(json) %}
    coalesce(try_variant_get({{ json }}, '$', 'array<string>'), cast(array() as array<string>))
{% endmacro %}
