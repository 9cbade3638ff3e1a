{#-
    A statement that gathers the statistics of a table.
    Why: until autovacuum runs, Postgres plans the next model without statistics, with nested loops
    over whole tables. DuckDB gathers them as it writes.
-#}
{% macro gather_statistics(relation) %}
    {{ return(adapter.dispatch("gather_statistics", "exhaust")(relation)) }}
{% endmacro %}

{% macro default__gather_statistics(relation) %} {% endmacro %}

{% macro postgres__gather_statistics(relation) %} analyze {{ relation }} {% endmacro %}
