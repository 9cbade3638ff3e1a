{#-
    Whether a JSON value is an object; null if there is no value.
    Why: the engines' functions differ in name and case.
-#}
{% macro json_is_object(json) %}
    {{ return(adapter.dispatch("json_is_object", "exhaust")(json)) }}
{% endmacro %}

{% macro default__json_is_object(json) %} json_type({{ json }}) = 'OBJECT' {% endmacro %}

{% macro postgres__json_is_object(json) %} jsonb_typeof({{ json }}) = 'object' {% endmacro %}

{% macro spark__json_is_object(json) %}
    case
        when {{ json }} is not null
        then try_variant_get({{ json }}, '$', 'map<string, variant>') is not null
    end
{% endmacro %}
