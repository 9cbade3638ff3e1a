{#-
    The value of a key in a JSON object as text, as json_scalar_text writes it; null if it is
    missing, JSON null, empty, an object or a list. `keys` may lead down several levels; they are
    Sunbird's own names, never data. If a key appears twice, its last value counts.
    Why: DuckDB finds the first of two equal keys, and each engine has its own function for the
    type.
-#}
{% macro json_text(json, keys) %}
    {%- set keys = [keys] if keys is string else keys -%}
    {%- set parent = namespace(json=json) -%}
    {%- for key in keys[:-1] %}
        {%- set parent.json = json_member(parent.json, key) -%}
    {%- endfor -%}
    nullif({{ json_scalar_text(json_member(parent.json, keys[-1])) }}, '')
{% endmacro %}
