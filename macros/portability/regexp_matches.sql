{#-
    Whether a text matches a regular expression, which has to anchor itself.
    Why: Spark has another operator.
-#}
{% macro regexp_matches(text, pattern) %}
    {{ return(adapter.dispatch("regexp_matches", "exhaust")(text, pattern)) }}
{% endmacro %}

{% macro default__regexp_matches(text, pattern) %} {{ text }} ~ '{{ pattern }}'{% endmacro %}

{% macro spark__regexp_matches(text, pattern) %} {{ text }} rlike '{{ pattern }}'{% endmacro %}
