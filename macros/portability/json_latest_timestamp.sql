{#-
    The latest timestamp, in UTC, that the objects of a JSON array have under `key`; null if there
    is none that can be read. Anything but an array has none. No number, and nothing else in JSON,
    has the form of a timestamp, so all values are read as texts.
    Why: each engine works on the elements of an array with its own functions.
-#}
{% macro json_latest_timestamp(json, key) %}
    {{ return(adapter.dispatch("json_latest_timestamp", "exhaust")(json, key)) }}
{% endmacro %}

{#- Most arrays are empty, and the functions for lists would still be called for each of them. -#}
{% macro default__json_latest_timestamp(json, key) %}
    case
        when json_array_length({{ json }}) > 0
        then
            list_max(
                list_transform(
                    list_transform(
                        json_extract({{ json }}, '$[*]'),
                        lambda element:{{ json_member("element", key) }} ->> '$'
                    ),
                    lambda moment:{{ utc_timestamp("moment") }}
                )
            )
    end
{% endmacro %}

{% macro postgres__json_latest_timestamp(json, key) %}
    (
        select max({{ utc_timestamp("entries.moment") }})
        from
            (
                select elements.element ->> '{{ key }}' as moment
                from
                    (select {{ json }} as list offset 0) as parsed,
                    jsonb_array_elements(
                        case when jsonb_typeof(parsed.list) = 'array' then parsed.list else '[]' end
                    ) as elements(element)
                offset 0
            ) as entries
    )
{% endmacro %}

{% macro spark__json_latest_timestamp(json, key) %}
    array_max(
        transform(
            transform(
                try_variant_get({{ json }}, '$', 'array<variant>'),
                element -> try_variant_get(element, '$["{{ key }}"]', 'string')
            ),
            moment -> {{ utc_timestamp("moment") }}
        )
    )
{% endmacro %}
