{#-
    A UTC timestamp as local time in a time zone.
    Why: Spark has no `at time zone` for timestamps without a zone.
-#}
{% macro in_time_zone(timestamp, zone) %}
    {{ return(adapter.dispatch("in_time_zone", "exhaust")(timestamp, zone)) }}
{% endmacro %}

{% macro default__in_time_zone(timestamp, zone) %}
    {{ timestamp }} at time zone 'UTC' at time zone {{ sql_literal(zone, engine()) }}
{% endmacro %}

{% macro spark__in_time_zone(timestamp, zone) %}
    convert_timezone('UTC', {{ sql_literal(zone, engine()) }}, {{ timestamp }})
{% endmacro %}
