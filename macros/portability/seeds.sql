{#-
    How the sample extract becomes tables of text on Spark, instead of dbt-spark's own macros.
    Why: those do not know the type `text`, and do not escape values, so that an apostrophe ends
    them.
    `create_csv_table` and `load_csv_rows` have the names of dbt's own macros. dbt looks for a macro
    in the package of the seed first, so they serve ours in any project, and only ours.
-#}
{% macro create_csv_table(model, agate_table) %}
    {{ return(adapter.dispatch("create_seed", "exhaust")(model, agate_table)) }}
{% endmacro %}

{% macro default__create_seed(model, agate_table) %}
    {{ return(dbt.create_csv_table(model, agate_table)) }}
{% endmacro %}

{% macro spark__create_seed(model, agate_table) %}
    {%- call statement("_") -%}
        create table {{ this }} (
        {%- for column in agate_table.column_names %}
            {{ adapter.quote(column) }} {{ dbt.type_string() }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
        )
        {{ file_format_clause() }}
    {%- endcall -%}
{% endmacro %}

{% macro load_csv_rows(model, agate_table) %}
    {{ return(adapter.dispatch("fill_seed", "exhaust")(model, agate_table)) }}
{% endmacro %}

{% macro default__fill_seed(model, agate_table) %}
    {{ return(dbt.load_csv_rows(model, agate_table)) }}
{% endmacro %}

{% macro spark__fill_seed(model, agate_table) %}
    {%- set rows = [] %}
    {%- for row in agate_table.rows %}
        {%- set values = [] %}
        {%- for value in row %} {%- do values.append(sql_literal(value, engine())) %} {%- endfor %}
        {%- do rows.append("(" ~ values | join(", ") ~ ")") %}
    {%- endfor %}
    {%- set insert = "insert into " ~ this ~ " values " ~ rows | join(", ") %}
    {%- if rows %} {%- do adapter.add_query(insert, abridge_sql_log=True) %} {%- endif %}
    {{ return(insert) }}
{% endmacro %}
