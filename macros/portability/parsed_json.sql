{#-
    A text as JSON; null where the engine's parser refuses it.
    Why: Postgres' `jsonb` is parsed once, its `json` at every use.
-#}
{% macro parsed_json(text) %}
    {{ return(adapter.dispatch("parsed_json", "exhaust")(text)) }}
{% endmacro %}

{% macro default__parsed_json(text) %} {{ attempted_cast(text, "json") }} {% endmacro %}

{% macro postgres__parsed_json(text) %} {{ attempted_cast(text, "jsonb") }} {% endmacro %}

{% macro spark__parsed_json(text) %} try_parse_json({{ text }}) {% endmacro %}
