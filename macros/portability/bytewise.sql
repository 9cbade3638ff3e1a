{#-
    A text to be ordered, or to be the least or greatest, by its bytes.
    Why: Postgres orders by the collation of the database.
-#}
{% macro bytewise(text) %}
    {{ return(adapter.dispatch("bytewise", "exhaust")(text)) }}
{% endmacro %}

{% macro default__bytewise(text) %} {{ text }}{% endmacro %}

{% macro postgres__bytewise(text) %} {{ text }} collate "C"{% endmacro %}
