{#-
    The current time in UTC, without a zone.
    Why: Spark has its own function for it, and its session is in UTC.
-#}
{% macro utc_now() %} {{ return(adapter.dispatch("utc_now", "exhaust")()) }} {% endmacro %}

{% macro default__utc_now() %} now() at time zone 'UTC'{% endmacro %}

{% macro spark__utc_now() %} localtimestamp(){% endmacro %}
