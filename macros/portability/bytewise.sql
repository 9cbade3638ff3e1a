{#-
    A text expression that compares and sorts by bytes, for ordering and for min and max.
    Why: Postgres uses the collation of the database. The SQL is in macros/report/sql_text.sql,
    because exports sort by bytes too.
-#}
{% macro bytewise(text) %} {{ sql_bytewise(text, engine()) }}{% endmacro %}
