{#-
    A timestamp minus a number of minutes.
    Why: each engine makes intervals differently, and `dbt.dateadd` drops microseconds on Spark.
-#}
{% macro minutes_earlier(timestamp, minutes) %}
    {{ return(adapter.dispatch("minutes_earlier", "exhaust")(timestamp, minutes)) }}
{% endmacro %}

{% macro default__minutes_earlier(timestamp, minutes) %}
    {{ timestamp }} - to_minutes({{ minutes }})
{% endmacro %}

{% macro postgres__minutes_earlier(timestamp, minutes) %}
    {{ timestamp }} - make_interval(mins => {{ minutes }})
{% endmacro %}

{% macro spark__minutes_earlier(timestamp, minutes) %}
    {{ timestamp }} - make_dt_interval(0, 0, {{ minutes }})
{% endmacro %}
