{#-
    dbt's `listagg` on Spark, instead of dbt-spark's.
    Why: dbt-spark's loses the order.
-#}
{% macro spark__listagg(measure, delimiter_text, order_by_clause, limit_num) %}
    listagg({{ measure }}, {{ delimiter_text }}) within group ({{ order_by_clause }})
{% endmacro %}
