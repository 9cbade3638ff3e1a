{#-
    dbt's `listagg` on Spark, in place of dbt-spark's.
    Why: that one gives up the order.
-#}
{% macro spark__listagg(measure, delimiter_text, order_by_clause, limit_num) %}
    listagg({{ measure }}, {{ delimiter_text }}) within group ({{ order_by_clause }})
{% endmacro %}
