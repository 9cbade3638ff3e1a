{#-
    The timestamp so many minutes before another.
    Why: each engine makes an interval of a number in its own way; `dbt.dateadd` drops microseconds on
    Spark.
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
