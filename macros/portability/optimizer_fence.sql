{#-
    Ends a SELECT whose columns are to be computed before it is sorted by the next one.
    Why: Postgres would sort what they are computed from, here whole JSON values, and compute last.
-#}
{% macro optimizer_fence() %}
    {{ return(adapter.dispatch("optimizer_fence", "exhaust")()) }}
{% endmacro %}

{% macro default__optimizer_fence() %} {% endmacro %}

{% macro postgres__optimizer_fence() %} offset 0 {% endmacro %}
