{#-
    Whether a JSON array or object holds anything; false for every other value and for none.
    Why: the engines' functions differ, and Postgres' fail on a value of another kind.
-#}
{% macro json_holds_any(json) %}
    {{ return(adapter.dispatch("json_holds_any", "exhaust")(json)) }}
{% endmacro %}

{% macro default__json_holds_any(json) %}
    coalesce(json_array_length({{ json }}) > 0 or len(json_keys({{ json }})) > 0, false)
{% endmacro %}

{% macro postgres__json_holds_any(json) %}
    coalesce(
        jsonb_typeof({{ json }}) in ('array', 'object') and {{ json }} not in ('[]', '{}'), false
    )
{% endmacro %}

{% macro spark__json_holds_any(json) %}
    coalesce(
        size(try_variant_get({{ json }}, '$', 'array<variant>')) > 0
        or size(try_variant_get({{ json }}, '$', 'map<string, variant>')) > 0,
        false
    )
{% endmacro %}
