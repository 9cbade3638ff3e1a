{#-
    The value under a key of a JSON object as text; null where it is absent, JSON null or empty.
    `keys` may go deeper than one level. A key is one of Sunbird's own names, never data.
-#}
{% macro json_text(json, keys) %}
    {{
        return(
            adapter.dispatch("json_text", "exhaust")(json, [keys] if keys is string else keys)
        )
    }}
{% endmacro %}

{% macro default__json_text(json, keys) %}
    nullif(
        {{ json }}
        ->> '$.{% for key in keys %}"{{ key }}"{% if not loop.last %}.{% endif %}{% endfor %}',
        ''
    )
{% endmacro %}

{#- Postgres takes the way as an array of keys. -#}
{% macro postgres__json_text(json, keys) %}
    nullif({{ json }} #>> '{{ "{" ~ keys | join(",") ~ "}" }}', '')
{% endmacro %}
