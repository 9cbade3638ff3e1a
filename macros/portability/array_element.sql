{#-
    An element of an array, by its position from 1, a column; null if the array is null.
    Why: Spark counts from 0, and raises an error beyond the end.
-#}
{% macro array_element(array, ordinal) %}
    {{ return(adapter.dispatch("array_element", "exhaust")(array, ordinal)) }}
{% endmacro %}

{% macro default__array_element(array, ordinal) %} ({{ array }})[{{ ordinal }}] {% endmacro %}

{% macro spark__array_element(array, ordinal) %} get({{ array }}, {{ ordinal }} - 1) {% endmacro %}
