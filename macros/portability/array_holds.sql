{#-
    Whether an array holds an element.
    Why: Postgres alone has no function for it.
-#}
{% macro array_holds(array, element) %}
    {{ return(adapter.dispatch("array_holds", "exhaust")(array, element)) }}
{% endmacro %}

{% macro default__array_holds(array, element) %}
    array_contains({{ array }}, {{ element }})
{% endmacro %}

{% macro postgres__array_holds(array, element) %} {{ element }} = any({{ array }}) {% endmacro %}
