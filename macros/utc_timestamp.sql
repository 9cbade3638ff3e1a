{#-
    A text as a timestamp in UTC, to the microsecond; null where it is none of Sunbird's forms: a day
    alone, or a day and a time with `T` or a blank between them, a fraction after `.` or (in old
    rows) `:`, and `Z` or a zero offset.

    Most texts are in a form that the engine reads as it is; only the others are taken apart.
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
    coalesce(
        {{ plain_timestamp(text) }},
        case
            when
                {{ matches(text, timestamp_form()) }}
                {#- The year 0 is one that Postgres refuses and DuckDB takes. #}
                and substr({{ text }}, 1, 4) <> '0000'
            then {{ attempted_cast(cleaned, "timestamp") }}
        end
    )
{% endmacro %}

{% macro timestamp_form() %}
    {{
        return(
            "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.:][0-9]{1,9})?(Z|[+-]00(:?00)?)?)?$"
        )
    }}
{% endmacro %}
