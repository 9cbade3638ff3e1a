{#-
    A text as a timestamp if it is in a form that the engine reads directly; otherwise null, even
    if it is a timestamp in another form (see macros/staging/utc_timestamp.sql).
    Why: on Postgres, regular expressions take longer than everything else that staging does to a
    row. It is faster to read the text and check that it would be written the same way.
-#}
{% macro plain_timestamp(text) %}
    {{ return(adapter.dispatch("plain_timestamp", "exhaust")(text)) }}
{% endmacro %}

{% macro default__plain_timestamp(text) %}
    case
        when
            {{ text }}
            ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?(Z|[+]0000)?$'
            and {{ text }} >= '0001'
        then {{ try_cast(text, "timestamp") }}
    end
{% endmacro %}

{% macro postgres__plain_timestamp(text) %}
    case
        when
            pg_input_is_valid({{ text }}, 'timestamp')
            and {{ text }} = to_char(
                cast({{ text }} as timestamp),
                case
                    length({{ text }})
                    when 31
                    then 'YYYY-MM-DD HH24:MI:SS.US+0000'
                    when 28
                    then 'YYYY-MM-DD HH24:MI:SS.MS+0000'
                    when 26
                    then 'YYYY-MM-DD HH24:MI:SS.US'
                    when 24
                    then 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
                    when 20
                    then 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
                    when 19
                    then 'YYYY-MM-DD HH24:MI:SS'
                end
            )
        then cast({{ text }} as timestamp)
    end
{% endmacro %}

{% macro spark__plain_timestamp(text) %}
    case
        when
            {{ text }}
            rlike '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?(Z|[+]0000)?$'
            and substr({{ text }}, 1, 4) <> '0000'
        then try_cast({{ text }} as timestamp_ntz)
    end
{% endmacro %}
