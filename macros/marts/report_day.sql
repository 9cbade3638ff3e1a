{#- The day of a UTC timestamp in the report's time zone. -#}
{% macro report_day(timestamp) %}
    cast({{ in_time_zone(timestamp, report_timezone()) }} as date)
{% endmacro %}
