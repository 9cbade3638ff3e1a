{#-
    A number by which the rows of a table stand in it; null where they stand in no order.
    Why: DuckDB alone keeps rows in the order in which they were written.
-#}
{% macro physical_row_number() %}
    {{ return(adapter.dispatch("physical_row_number", "exhaust")()) }}
{% endmacro %}

{% macro default__physical_row_number() %} cast(null as bigint) {% endmacro %}

{% macro duckdb__physical_row_number() %} rowid {% endmacro %}
