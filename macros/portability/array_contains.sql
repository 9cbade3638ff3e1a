{#-
    Whether an array contains an element.
    Why: only Postgres has no function for it.
-#}
{% macro array_contains(array, element) %}
    {{ return(adapter.dispatch("array_contains", "exhaust")(array, element)) }}
{% endmacro %}

{% macro default__array_contains(array, element) %}
    array_contains({{ array }}, {{ element }})
{% endmacro %}

{% macro postgres__array_contains(array, element) %} {{ element }} = any({{ array }}) {% endmacro %}
