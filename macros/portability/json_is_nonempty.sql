{#-
    Whether a JSON array or object has any elements; false for all other values and for null.
    Why: the engines' functions differ, and Postgres' fail for values of another type.
-#}
{% macro json_is_nonempty(json) %}
    {{ return(adapter.dispatch("json_is_nonempty", "exhaust")(json)) }}
{% endmacro %}

{% macro default__json_is_nonempty(json) %}
    coalesce(json_array_length({{ json }}) > 0 or len(json_keys({{ json }})) > 0, false)
{% endmacro %}

{% macro postgres__json_is_nonempty(json) %}
    coalesce(
        jsonb_typeof({{ json }}) in ('array', 'object') and {{ json }} not in ('[]', '{}'), false
    )
{% endmacro %}

{% macro spark__json_is_nonempty(json) %}
    coalesce(
        size(try_variant_get({{ json }}, '$', 'array<variant>')) > 0
        or size(try_variant_get({{ json }}, '$', 'map<string, variant>')) > 0,
        false
    )
{% endmacro %}
