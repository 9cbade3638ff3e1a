{#-
    The latest timestamp, in UTC, that the objects of a JSON array have under `key`; null if there
    is none that can be read. Anything but an array has none.
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
                        lambda element:{{ json_scalar_text(json_member("element", key)) }}
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
                select {{ json_scalar_text(json_member("elements.element", key)) }} as moment
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
                element -> {{ json_scalar_text(json_member("element", key)) }}
            ),
            moment -> {{ utc_timestamp("moment") }}
        )
    )
{% endmacro %}
