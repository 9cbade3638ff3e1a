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

{#- dbt-postgres calls every array `ARRAY`; Postgres' own name of its type begins with `_`. -#}
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
