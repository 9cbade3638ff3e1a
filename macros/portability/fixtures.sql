{#-
    How the values of unit tests are written, in place of the adapters' own macros: a list becomes an
    array, a text JSON where the column is JSON.
    Why: each engine has its own form of an array; Spark makes a JSON text of a text, and reads
    backslashes in it.
-#}
{% macro default__safe_cast(field, type) %}
    {%- if field is string or field is number -%} cast({{ field }} as {{ type }})
    {%- else -%} cast({{ array_of(field, type | replace("[]", "")) }} as {{ type }})
    {%- endif -%}
{% endmacro %}

{% macro spark__safe_cast(field, type) %}
    {%- if type == "variant" -%} parse_json({{ field }})
    {%- elif field is string or field is number -%} cast({{ field }} as {{ type }})
    {%- else -%} {{ array_of(field, type[6:-1]) }}
    {%- endif -%}
{% endmacro %}

{% macro spark__escape_single_quotes(expression) %}
    {{- expression | replace("\\", "\\\\") | replace("'", "''") -}}
{% endmacro %}
