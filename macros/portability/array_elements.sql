{#-
    The elements of an array, a row each, as a column of a SELECT.
    Why: engines call the function by different names.
-#}
{% macro array_elements(array) %}
    {{ return(adapter.dispatch("array_elements", "exhaust")(array)) }}
{% endmacro %}

{% macro default__array_elements(array) %} unnest({{ array }}) {% endmacro %}

{% macro spark__array_elements(array) %} explode({{ array }}) {% endmacro %}
