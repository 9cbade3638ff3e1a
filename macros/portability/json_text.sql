{#-
    The value under a key of a JSON object as text; null where it is absent, JSON null, empty, or an
    object or list. `keys` may go deeper than one level; they are Sunbird's own names, never data.
    Why: DuckDB takes a path, Postgres an array of keys; and each spells objects in its own way.
-#}
{% macro json_text(json, keys) %}
    {{
        return(
            adapter.dispatch("json_text", "exhaust")(json, [keys] if keys is string else keys)
        )
    }}
{% endmacro %}

{% macro default__json_text(json, keys) %}
    {%- set path = "'$.\"" ~ keys | join('"."') ~ "\"'" -%}
    case
        when json_type({{ json }}, {{ path }}) not in ('OBJECT', 'ARRAY')
        then nullif({{ json }} ->> {{ path }}, '')
    end
{% endmacro %}

{% macro postgres__json_text(json, keys) %}
    {%- set path = "'{" ~ keys | join(",") ~ "}'" -%}
    case
        when jsonb_typeof({{ json }} #> {{ path }}) not in ('object', 'array')
        then nullif({{ json }} #>> {{ path }}, '')
    end
{% endmacro %}

{% macro spark__json_text(json, keys) %}
    {%- set path = "'$[\"" ~ keys | join('"]["') ~ "\"]'" -%}
    case
        when
            not schema_of_variant(try_variant_get({{ json }}, {{ path }}, 'variant'))
            rlike '^(OBJECT|ARRAY)'
        then nullif(try_variant_get({{ json }}, {{ path }}, 'string'), '')
    end
{% endmacro %}
