{#-
    A statement that lets a batch of a table be read in the report's order.
    Why: Postgres needs an index for it. DuckDB reads a table in the order in which it was written.
-#}
{% macro order_by_batch(relation) %}
    {{ return(adapter.dispatch("order_by_batch", "exhaust")(relation)) }}
{% endmacro %}

{% macro default__order_by_batch(relation) %} {% endmacro %}

{% macro postgres__order_by_batch(relation) %}
    create index on {{ relation }} (course_id, {{ bytewise("batch_id") }}, {{ bytewise("user_id") }})
{% endmacro %}
