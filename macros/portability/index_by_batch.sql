{#-
    A statement that lets the rows of a batch be found in a table that has no primary key.
    Why: Postgres needs an index for it. DuckDB and Spark skip the parts of a table that have other
    values.
-#}
{% macro index_by_batch(relation) %}
    {{ return(adapter.dispatch("index_by_batch", "exhaust")(relation)) }}
{% endmacro %}

{% macro default__index_by_batch(relation) %} {% endmacro %}

{% macro postgres__index_by_batch(relation) %}
    create index on {{ relation }} (course_id, batch_id)
{% endmacro %}
