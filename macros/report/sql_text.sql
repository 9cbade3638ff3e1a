{#-
    Names and values become SQL text here and nowhere else. Pure Jinja, rendered by dbt and by the
    command.
-#}
{#- A name as a SQL identifier of an engine. Only Spark reads double quotes as a string. -#}
{%- macro sql_identifier(name, engine) -%}
    {%- set quote = "`" if engine == "spark" else '"' -%}
    {{ quote ~ name | replace(quote, quote * 2) ~ quote }}
{%- endmacro -%}

{#-
    A text as a SQL literal of an engine; none becomes null. Only Spark reads backslashes in it, and
    Postgres does if `standard_conforming_strings` is off; it always does after an E.
-#}
{%- macro sql_literal(value, engine) -%}
    {%- if value is none -%} null
    {%- else -%}
        {%- set text = value | string | replace("'", "''") -%}
        {%- set is_escaped = engine == "spark" or engine == "postgres" and "\\" in text -%}
        {{- "E" if is_escaped and engine == "postgres" -}}
        {{- "'" ~ (text | replace("\\", "\\\\") if is_escaped else text) ~ "'" -}}
    {%- endif -%}
{%- endmacro -%}

{#-
    A text expression that compares and sorts bytewise. Postgres would use the collation of the
    database.
-#}
{%- macro sql_bytewise(text, engine) -%}
    {{ text }}{% if engine == "postgres" %} collate "C"{% endif %}
{%- endmacro -%}
