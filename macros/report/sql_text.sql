{#-
    The one place where names and values become SQL text. Pure Jinja: dbt and the runner render
    the same file.
-#}
{#- A name as a SQL identifier of an engine. Spark alone takes double quotes for a text. -#}
{%- macro sql_identifier(name, engine) -%}
    {%- set quote = "`" if engine == "spark" else '"' -%}
    {{ quote ~ name | replace(quote, quote * 2) ~ quote }}
{%- endmacro -%}

{#- A text as a SQL literal of an engine; none becomes null. Spark alone reads backslashes in it. -#}
{%- macro sql_literal(value, engine) -%}
    {%- if value is none -%} null
    {%- else -%}
        {%- set text = value | string | replace("'", "''") -%}
        {{ "'" ~ (text | replace("\\", "\\\\") if engine == "spark" else text) ~ "'" }}
    {%- endif -%}
{%- endmacro -%}

{#- A text expression that compares and sorts by bytes. Only Postgres needs telling: by default it
    uses the collation of the database. -#}
{%- macro sql_bytewise(text, engine) -%}
    {{ text }}{% if engine == "postgres" %} collate "C"{% endif %}
{%- endmacro -%}
