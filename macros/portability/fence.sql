{#-
    Ends a SELECT whose columns are to be computed before it is sorted by the next one.
    Why: Postgres would sort what they are computed from, here whole JSON values, and compute last.
-#}
{% macro fence() %} {{ return(adapter.dispatch("fence", "exhaust")()) }} {% endmacro %}

{% macro default__fence() %} {% endmacro %}

{% macro postgres__fence() %} offset 0 {% endmacro %}
