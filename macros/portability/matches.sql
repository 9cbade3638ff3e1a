{#-
    Whether a text matches a regular expression, which says itself where it begins and ends.
    Why: Spark has another operator.
-#}
{% macro matches(text, pattern) %}
    {{ return(adapter.dispatch("matches", "exhaust")(text, pattern)) }}
{% endmacro %}

{% macro default__matches(text, pattern) %} {{ text }} ~ '{{ pattern }}'{% endmacro %}

{% macro spark__matches(text, pattern) %} {{ text }} rlike '{{ pattern }}'{% endmacro %}
