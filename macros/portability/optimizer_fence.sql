{#-
    Ends a SELECT whose columns have to be computed before an outer query sorts it.
    Why: Postgres would sort what the columns are computed from, here whole JSON values, and
    compute them last.
-#}
{% macro optimizer_fence() %}
    {{ return(adapter.dispatch("optimizer_fence", "exhaust")()) }}
{% endmacro %}

{% macro default__optimizer_fence() %} {% endmacro %}

{% macro postgres__optimizer_fence() %} offset 0 {% endmacro %}
