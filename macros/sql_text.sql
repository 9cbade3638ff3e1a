{#-
    The one place where names and values become SQL text. Pure Jinja: dbt and the runner render
    the same file.
-#}
{#- A name as a SQL identifier. -#}
{%- macro sql_identifier(name) -%} {{ '"' ~ name | replace('"', '""') ~ '"' }} {%- endmacro -%}

{#- A text as a SQL literal; none becomes null. -#}
{%- macro sql_literal(value) -%}
    {{ "null" if value is none else "'" ~ value | string | replace("'", "''") ~ "'" }}
{%- endmacro -%}
