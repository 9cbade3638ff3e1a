{#-
    Two columns of a SELECT that returns one row per element of an array: `element`, and its
    `position`, from 1. An array that is null has no elements.
    Why: Spark unfolds arrays with functions of its own.
-#}
{% macro array_entries(array) %}
    {{ return(adapter.dispatch("array_entries", "exhaust")(array)) }}
{% endmacro %}

{% macro default__array_entries(array) %}
    unnest({{ array }}) as element, generate_subscripts({{ array }}, 1) as position
{% endmacro %}

{% macro spark__array_entries(array) %}
    inline(
        transform({{ array }}, (element, idx) -> struct(element as element, idx + 1 as position))
    )
{% endmacro %}
