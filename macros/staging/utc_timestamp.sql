{#-
    A text as a timestamp in UTC, to the microsecond; null if it is in none of Sunbird's forms.
    These are a day, or a day and a time separated by `T` or a space. A time may have a fraction
    after `.` or (in old rows) `:`, and then `Z` or an offset of less than 19 hours; without one,
    it is in UTC. The year is 1 to 9999, both as written and in UTC.

    Most texts are in a form that the engine reads directly. Only the others are taken apart. The
    SQL has no indentation: in the metastore of Spark, a view has at most 32,700 characters.
-#}
{% macro utc_timestamp(text) %}
    {%- set cleaned -%}
    case
        when substr({{ text }}, 20, 1) in ('.', ':')
        then
            substr({{ text }}, 1, 19)
            || '.'
            || regexp_replace(substr({{ text }}, 21, 6), '[^0-9].*', '')
        else substr({{ text }}, 1, 19)
    end
    {%- endset -%}
    {%- set offset -%} regexp_replace(substr({{ text }}, 20), '^[^+-]*', '') {%- endset -%}
    {%- set in_utc -%}
    {{ minutes_earlier(try_cast(cleaned, "timestamp"), offset_minutes(offset)) }}
    {%- endset -%}
    {%- set moment -%}
    coalesce(
        {{ plain_timestamp(text) }},
        case
            when
                {{ regexp_matches(text, timestamp_form()) }}
                {#- Postgres refuses the year 0, DuckDB accepts it. #}
                and substr({{ text }}, 1, 4) <> '0000'
                and {{ in_utc }} >= timestamp '0001-01-01 00:00:00'
                and {{ in_utc }} <= timestamp '9999-12-31 23:59:59.999999'
            then {{ in_utc }}
        end
    )
    {%- endset -%}
    {{ moment.split() | join(" ") }}
{% endmacro %}

{% macro timestamp_form() %}
    {{
        return(
            "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.:][0-9]{1,9})?(Z|[+-](0[0-9]|1[0-8])(:?[0-5][0-9])?)?)?$"
        )
    }}
{% endmacro %}

{#- The minutes of an offset such as `+0530`, `-03:00` or `-03`; 0 if it is empty. -#}
{% macro offset_minutes(offset) %}
    (case when {{ offset }} like '-%' then -1 else 1 end) * (
        60 * coalesce({{ try_cast("substr(" ~ offset ~ ", 2, 2)", "integer") }}, 0)
        + coalesce({{ try_cast("substr(replace(" ~ offset ~ ", ':', ''), 4, 2)", "integer") }}, 0)
    )
{% endmacro %}
