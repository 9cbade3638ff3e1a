{#-
    A statement that a session needs before the models, whatever the profile sets.
    Why: Spark refuses JSON with duplicate keys unless it is told to use the last one.
-#}
{% macro prepare_session() %}
    {{ return(adapter.dispatch("prepare_session", "exhaust")()) }}
{% endmacro %}

{% macro default__prepare_session() %} {% endmacro %}

{#- Returned as a string, because sqlfmt would write the name in lower case. -#}
{% macro spark__prepare_session() %}
    {{ return("set spark.sql.variant.allowDuplicateKeys = true") }}
{% endmacro %}
