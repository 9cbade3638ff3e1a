{#-
    Two columns of a SELECT that returns one row per element of a JSON array: `element`, as JSON,
    and its `position`, from 1. Anything but an array has no elements.
    Why: each engine unfolds arrays with its own functions. All of them can in a SELECT list, even
    in a recursive one.
-#}
{% macro json_elements(json) %}
    {{ return(adapter.dispatch("json_elements", "exhaust")(json)) }}
{% endmacro %}

{% macro default__json_elements(json) %}
    unnest({{ json }} -> '$[*]') as element,
    generate_subscripts({{ json }} -> '$[*]', 1) as position
{% endmacro %}

{% macro postgres__json_elements(json) %}
    {%- set elements -%}
    case when jsonb_typeof({{ json }}) = 'array' then {{ json }} else '[]' end
    {%- endset -%}
    jsonb_array_elements({{ elements }}) as element,
    generate_series(1, jsonb_array_length({{ elements }})) as position
{% endmacro %}

{% macro spark__json_elements(json) %}
    inline(
        transform(
            try_variant_get({{ json }}, '$', 'array<variant>'),
            (element, idx) -> struct(element as element, idx + 1 as position)
        )
    )
{% endmacro %}
