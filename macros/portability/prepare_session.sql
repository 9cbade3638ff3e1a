{#-
    Statement that a session needs before the models, whatever the profile says.
    Why: Spark refuses JSON with a key given twice unless it is told to take the last.
-#}
{% macro prepare_session() %}
    {{ return(adapter.dispatch("prepare_session", "exhaust")()) }}
{% endmacro %}

{% macro default__prepare_session() %} {% endmacro %}

{% macro spark__prepare_session() %} set spark.sql.variant.allowduplicatekeys = true {% endmacro %}
