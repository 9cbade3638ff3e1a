{#-
    Statement that a session needs before the models, whatever the profile says.
    Why: Spark refuses JSON with a key given twice unless it is told to take the last.
-#}
{% macro prepare_session() %}
    {{ return(adapter.dispatch("prepare_session", "exhaust")()) }}
{% endmacro %}

{% macro default__prepare_session() %} {% endmacro %}

{#- A text, as sqlfmt writes names in lower case. -#}
{% macro spark__prepare_session() %}
    {{ return("set spark.sql.variant.allowDuplicateKeys = true") }}
{% endmacro %}
