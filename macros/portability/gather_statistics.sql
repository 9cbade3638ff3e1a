{#-
    Statement that gathers a table's statistics.
    Why: Postgres plans the next model without them, by nested loops over whole tables, until its
    autovacuum comes round; DuckDB keeps them as it writes.
-#}
{% macro gather_statistics(relation) %}
    {{ return(adapter.dispatch("gather_statistics", "exhaust")(relation)) }}
{% endmacro %}

{% macro default__gather_statistics(relation) %} {% endmacro %}

{% macro postgres__gather_statistics(relation) %} analyze {{ relation }} {% endmacro %}
