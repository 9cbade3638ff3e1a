{#-
    How dbt writes the values of unit tests, instead of the adapters' own macros: a list becomes an
    array, and a text becomes JSON if the column is JSON.
    Why: each engine writes arrays differently. Spark would turn a text into a JSON string, and it
    reads backslashes in literals.
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

{#- Postgres reads backslashes in literals if `standard_conforming_strings` is off. -#}
{% macro postgres__string_literal(value) %}
    {%- if "\\" in value -%} {{ "E'" ~ (value | replace("\\", "\\\\")) ~ "'" }}
    {%- else -%} '{{ value }}'
    {%- endif -%}
{% endmacro %}

{#-
    dbt-postgres calls the type of every array `ARRAY`; Postgres names it `_` and the element type.
-#}
{% macro postgres__get_columns_in_relation(relation) %}
    {%- set columns = run_query(columns_of(relation)) %}
    {{ return(sql_convert_columns_in_relation(columns)) }}
{% endmacro %}

{% macro columns_of(relation) %}
    select
        column_name,
        case
            when data_type = 'ARRAY' then substr(udt_name, 2) || '[]' else data_type
        end as data_type,
        character_maximum_length,
        numeric_precision,
        numeric_scale
    from information_schema.columns
    where
        table_name = {{ sql_literal(relation.identifier, engine()) }}
        {%- if relation.schema %}
            and table_schema = {{ sql_literal(relation.schema, engine()) }}
        {%- endif %}
    order by ordinal_position
{% endmacro %}
