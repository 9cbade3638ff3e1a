{#-
    An array of `length` places: each of `elements` at its place in `ordinals`, null at the others.
    Why: ordering the elements in the aggregate would sort them all; each engine fills an array by
    functions of its own.
-#}
{% macro array_by_ordinal(elements, ordinals, length) %}
    {{ return(adapter.dispatch("array_by_ordinal", "exhaust")(elements, ordinals, length)) }}
{% endmacro %}

{% macro default__array_by_ordinal(elements, ordinals, length) %}
    list_transform(
        generate_series(1, {{ length }}),
        lambda ordinal:{{ elements }} [list_position({{ ordinals }}, cast(ordinal as integer))]
    )
{% endmacro %}

{% macro postgres__array_by_ordinal(elements, ordinals, length) %}
    array(
        select ({{ elements }})[array_position({{ ordinals }}, cast(slots.ordinal as integer))]
        from generate_series(1, {{ length }}) as slots(ordinal)
        order by slots.ordinal
    )
{% endmacro %}

{% macro spark__array_by_ordinal(elements, ordinals, length) %}
    transform(
        sequence(1, cast({{ length }} as integer)),
        ordinal -> try_element_at(
            {{ elements }}, cast(nullif(array_position({{ ordinals }}, ordinal), 0) as integer)
        )
    )
{% endmacro %}
