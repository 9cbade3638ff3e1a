{#-
    A number by which the rows of a table stand in it; null where they stand in no order.
    Why: DuckDB alone keeps rows in the order in which they were written.
-#}
{% macro place_in_table() %}
    {{ return(adapter.dispatch("place_in_table", "exhaust")()) }}
{% endmacro %}

{% macro default__place_in_table() %} cast(null as bigint) {% endmacro %}

{% macro duckdb__place_in_table() %} rowid {% endmacro %}
