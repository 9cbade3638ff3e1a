{#-
    The value under a key of a JSON object as text; null where it is absent, JSON null, empty, or an
    object or list, and of a number what json_scalar_text says. `keys` may go deeper than one level;
    they are Sunbird's own names, never data. Of a key given twice the last counts.
    Why: DuckDB finds the first of two equal keys, and each engine takes the type by another function.
-#}
{% macro json_text(json, keys) %}
    {%- set keys = [keys] if keys is string else keys -%}
    {%- set parent = namespace(json=json) -%}
    {%- for key in keys[:-1] %}
        {%- set parent.json = json_member(parent.json, key) -%}
    {%- endfor -%}
    nullif({{ json_scalar_text(json_member(parent.json, keys[-1])) }}, '')
{% endmacro %}
