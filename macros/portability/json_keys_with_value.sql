{#-
    The keys of a JSON object whose value is the whole number `value`, as an array of texts; empty
    for anything but an object. The text of the number counts too.
    Why: keys are data, so that no path can name them; each engine lists keys and values its own way.
-#}
{% macro json_keys_with_value(json, value) %}
    {{ return(adapter.dispatch("json_keys_with_value", "exhaust")(json, value)) }}
{% endmacro %}

{% macro default__json_keys_with_value(json, value) %}
    coalesce(
        list_transform(
            list_filter(
                list_zip(json_keys({{ json }}), {{ json }} ->> '$.*'),
                lambda entry:entry[2] in ('{{ value }}', '{{ value }}.0')
            ),
            lambda entry:entry[1]
        ),
        []
    )
{% endmacro %}

{% macro postgres__json_keys_with_value(json, value) %}
    array(
        select entry.key
        from
            jsonb_each_text(
                case when jsonb_typeof({{ json }}) = 'object' then {{ json }} else '{}' end
            ) as entry
        where entry.value in ('{{ value }}', '{{ value }}.0')
    )
{% endmacro %}
