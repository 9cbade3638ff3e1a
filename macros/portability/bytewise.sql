{#-
    A text expression that compares and sorts bytewise, to order by or for min and max.
    Why: Postgres would use the collation of the database. The SQL is in
    macros/report/sql_text.sql, because exports need it too.
-#}
{% macro bytewise(text) %} {{ sql_bytewise(text, engine()) }}{% endmacro %}
