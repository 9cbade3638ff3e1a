{#-
    An array of these values: of texts, unless a type is given. The value none gives null.
    Why: each engine writes arrays and their types differently.
-#}
{% macro array_of(values, type=none) %}
    {%- set literals = [] %}
    {%- for value in values or [] %}
        {%- do literals.append(
            sql_literal(value, engine()) if value is string or value is none else value
        ) %}
    {%- endfor %}
    {%- set array = "null" if values is none else dbt.array_construct(literals) -%}
    cast({{ array }} as {{ array_type(type or dbt.type_string()) }})
{% endmacro %}

{#- The type of an array. -#}
{% macro array_type(type) %}
    {{ return(adapter.dispatch("array_type", "exhaust")(type)) }}
{% endmacro %}

{% macro default__array_type(type) %} {{ return(type ~ "[]") }} {% endmacro %}

{% macro spark__array_type(type) %} {{ return("array<" ~ type ~ ">") }} {% endmacro %}
