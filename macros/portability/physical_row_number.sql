{#-
    The position of a row in its table; null if the engine stores rows in no particular order.
    Why: only DuckDB keeps rows in the order in which they were written.
-#}
{% macro physical_row_number() %}
    {{ return(adapter.dispatch("physical_row_number", "exhaust")()) }}
{% endmacro %}

{% macro default__physical_row_number() %} cast(null as bigint) {% endmacro %}

{% macro duckdb__physical_row_number() %} rowid {% endmacro %}
