{#-
    The tables that the hooks write, in the schema of the target, and what is known of others.
    Why not with dbt's adapter: its own queries begin a transaction, and in a hook nothing ends it.
-#}
{% macro table_of_target(name) %} {{- table_in(target.schema, name) }}{% endmacro %}

{% macro table_in(schema, name) %}
    {%- set database = none if engine() == "spark" else target.database %}
    {{- api.Relation.create(database=database, schema=schema, identifier=name) }}
{%- endmacro %}

{#- The names of the columns of a table; empty if it does not exist. -#}
{% macro columns_in(schema, table) %}
    {{ return(adapter.dispatch("columns_in", "exhaust")(schema, table)) }}
{% endmacro %}

{% macro default__columns_in(schema, table) %}
    {%- set query %}
        select column_name
        from information_schema.columns
        where
            table_catalog = current_database()
            and table_schema = {{ sql_literal(schema, engine()) }}
            and table_name = {{ sql_literal(table, engine()) }}
    {%- endset %}
    {{ return(run_query(query).columns[0].values() | list) }}
{% endmacro %}

{% macro spark__columns_in(schema, table) %}
    {%- set found = adapter.get_relation(none, schema, table) %}
    {%- set columns = adapter.get_columns_in_relation(found) if found else [] %}
    {{ return(columns | map(attribute="name") | list) }}
{% endmacro %}

{#- The statement that creates the schema; none if it exists, because that may need no privilege. -#}
{% macro make_target_schema() %}
    {{ return(adapter.dispatch("make_target_schema", "exhaust")()) }}
{% endmacro %}

{% macro default__make_target_schema() %}
    {%- set query %}
        select 1
        from information_schema.schemata
        where
            catalog_name = current_database()
            and schema_name = {{ sql_literal(target.schema, engine()) }}
    {%- endset %}
    {{ return([] if run_query(query).rows else [create_target_schema()]) }}
{% endmacro %}

{% macro spark__make_target_schema() %} {{ return([create_target_schema()]) }} {% endmacro %}

{% macro create_target_schema() %}
    {{ return("create schema if not exists " ~ sql_identifier(target.schema, engine())) }}
{% endmacro %}

{#- The statements that make a table have these columns. -#}
{% macro make_table(name, columns) %}
    {%- set existing = columns_in(target.schema, name) %}
    {%- set definitions = [] %}
    {%- for column, type in columns.items() if column not in existing %}
        {%- do definitions.append(column ~ " " ~ type) %}
    {%- endfor %}
    {%- set table = table_of_target(name) %}
    {%- if not existing %}
        {%- set columns = " (" ~ definitions | join(", ") ~ ")" %}
        {{
            return(
                ["create table if not exists " ~ table ~ columns ~ options_of_appended_table()]
            )
        }}
    {%- endif %}
    {%- set added = [] %}
    {%- for definition in definitions %}
        {%- do added.append("alter table " ~ table ~ " add column " ~ definition) %}
    {%- endfor %}
    {{ return(added) }}
{% endmacro %}

{#- Lets several threads add rows to a table at once. -#}
{% macro options_of_appended_table() %}
    {{ return(adapter.dispatch("options_of_appended_table", "exhaust")()) }}
{% endmacro %}

{% macro default__options_of_appended_table() %} {{ return("") }} {% endmacro %}

{#-
    Why: by default, who ends first removes the folder `_temporary` of the table, with the rows that
    the others are writing there. So a task writes where the rows stay, and nothing is removed.
-#}
{% macro spark__options_of_appended_table() %}
    {%- set committer = "mapreduce.fileoutputcommitter" %}
    {%- set version = "'" ~ committer ~ ".algorithm.version' = '2'" %}
    {{ return(" options (" ~ version ~ ", '" ~ committer ~ ".cleanup.skipped' = 'true')") }}
{% endmacro %}
