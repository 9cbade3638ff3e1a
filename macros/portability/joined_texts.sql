{#-
    Aggregates texts into one, with a delimiter between them, in an order.
    Why: dbt-spark's `listagg` loses the order.
-#}
{% macro joined_texts(text, delimiter, order_by) %}
    {{ return(adapter.dispatch("joined_texts", "exhaust")(text, delimiter, order_by)) }}
{% endmacro %}

{% macro default__joined_texts(text, delimiter, order_by) %}
    {{ return(dbt.listagg(text, delimiter, order_by)) }}
{% endmacro %}

{% macro spark__joined_texts(text, delimiter, order_by) %}
    listagg({{ text }}, {{ delimiter }}) within group ({{ order_by }})
{% endmacro %}
