{#-
    A text as JSON; null where the engine's parser refuses it.
    Why: Postgres' `jsonb` is parsed once, its `json` at every use.
-#}
{% macro parsed_json(text) %}
    {{ return(adapter.dispatch("parsed_json", "exhaust")(text)) }}
{% endmacro %}

{% macro default__parsed_json(text) %} {{ attempted_cast(text, "json") }} {% endmacro %}

{% macro postgres__parsed_json(text) %} {{ attempted_cast(text, "jsonb") }} {% endmacro %}

{#- Spark reads a JSON value and does not look at what follows it: here an end that has to be there. -#}
{% macro spark__parsed_json(text) %}
    transform(
        array(try_parse_json('[' || {{ text }} || ',"end of json"]')),
        parsed -> case
            when try_variant_get(parsed, '$[1]', 'string') = 'end of json'
            then try_variant_get(parsed, '$[0]', 'variant')
        end
    )[0]
{% endmacro %}
