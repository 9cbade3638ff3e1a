{#-
    The elements of an array, one row each, as a column of a SELECT.
    Why: the engines name the function differently.
-#}
{% macro array_elements(array) %}
    {{ return(adapter.dispatch("array_elements", "exhaust")(array)) }}
{% endmacro %}

{% macro default__array_elements(array) %} unnest({{ array }}) {% endmacro %}

{% macro spark__array_elements(array) %} explode({{ array }}) {% endmacro %}
