{#-
    The elements of a JSON array as an array of texts, as json_scalar_text writes them; empty for
    anything but an array.
    Why: DuckDB extracts them with a path, Postgres with a subquery.
-#}
{% macro json_texts(json) %}
    {{ return(adapter.dispatch("json_texts", "exhaust")(json)) }}
{% endmacro %}

{% macro default__json_texts(json) %}
    coalesce(
        list_transform(
            json_extract({{ json }}, '$[*]'), lambda element:{{ json_scalar_text("element") }}
        ),
        []
    )
{% endmacro %}

{% macro postgres__json_texts(json) %}
    array(
        select {{ json_scalar_text("elements.element") }}
        from
            (select {{ json }} as list offset 0) as parsed,
            jsonb_array_elements(
                case when jsonb_typeof(parsed.list) = 'array' then parsed.list else '[]' end
            )
        with ordinality as elements(element, ordinal)
        order by elements.ordinal
    )
{% endmacro %}

{% macro spark__json_texts(json) %}
    coalesce(
        transform(
            try_variant_get({{ json }}, '$', 'array<variant>'),
            element -> {{ json_scalar_text("element") }}
        ),
        cast(array() as array<string>)
    )
{% endmacro %}
