{#-
    An array of `length` elements: each of `elements` is at its position in `ordinals`, the others
    are null.
    Why: each engine fills arrays with its own functions. Ordering inside the aggregate would sort
    all elements.
-#}
{% macro array_by_ordinal(elements, ordinals, length) %}
    {{ return(adapter.dispatch("array_by_ordinal", "exhaust")(elements, ordinals, length)) }}
{% endmacro %}

{% macro default__array_by_ordinal(elements, ordinals, length) %}
    list_select(
        {{ elements }},
        list_transform(
            generate_series(1, {{ length }}),
            lambda ordinal:coalesce(list_position({{ ordinals }}, cast(ordinal as integer)), 0)
        )
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
