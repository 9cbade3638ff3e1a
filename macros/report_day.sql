{#- The day of a UTC timestamp in the report's time zone. -#}
{% macro report_day(timestamp) %}
    cast(
        {{ timestamp }} at time zone 'UTC' at time zone {{ sql_literal(var("report_timezone")) }}
        as date
    )
{% endmacro %}
