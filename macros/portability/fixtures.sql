{#-
    How dbt writes the values of our unit tests: a list becomes an array, and a text becomes JSON if
    the column is JSON.
    Why: each engine writes arrays differently. Spark would turn a text into a JSON string, and it
    reads backslashes in literals.
    The first three have the names of dbt's own macros. dbt looks for a macro in the package of the
    unit test first, so they serve ours in any project, and leave the unit tests of others alone.
-#}
{% macro get_fixture_sql(rows, column_name_to_data_types) %}
    {%- set relation = defer_relation if defer_relation and not load_relation(this) else this %}
    {%- set columns = adapter.get_columns_in_relation(relation) %}
    {%- if not columns %}
        {{
            exceptions.raise_compiler_error(
                "A unit test needs the columns of " ~ relation ~ ", which does not exist."
            )
        }}
    {%- endif %}
    {%- set types = {} %}
    {%- set quoted_names = {} %}
    {%- set nulls = {} %}
    {%- for column in columns %}
        {%- do types.update({column.name | lower: column.data_type}) %}
        {%- do quoted_names.update({column.name | lower: column.quoted}) %}
        {%- do nulls.update({column.name | lower: none}) %}
    {%- endfor %}
    {%- set types = types_of_columns(types, "select * from " ~ relation) %}
    {%- set whole_rows = [] %}
    {%- for row in rows or [{}] %}
        {%- set whole_row = nulls.copy() %}
        {%- for name, value in row.items() %}
            {%- do whole_row.update({name | lower: value}) %}
        {%- endfor %}
        {%- do whole_rows.append(whole_row) %}
    {%- endfor %}
    {{ dbt.get_expected_sql(whole_rows, types, quoted_names) }}
    {%- if not rows %} limit 0 {%- endif %}
{% endmacro %}

{#- `sql` is the model under test, in the context of a unit test. -#}
{% macro get_expected_sql(rows, column_name_to_data_types, column_name_to_quoted) %}
    {%- set types = types_of_columns(column_name_to_data_types, sql) %}
    {{ dbt.get_expected_sql(rows, types, column_name_to_quoted) }}
{% endmacro %}

{% macro format_row(row, column_name_to_data_types) %}
    {%- set literals = {} %}
    {%- for name, value in row.items() %}
        {%- set type = column_name_to_data_types[name | lower] %}
        {%- if not type %}
            {{
                exceptions.raise_compiler_error(
                    "No column `"
                    ~ name
                    ~ "`, which a unit test names. There are "
                    ~ column_name_to_data_types.keys()
                    | join(", ") ~ "."
                )
            }}
        {%- endif %}
        {%- do literals.update({name | lower: fixture_value(value, type)}) %}
    {%- endfor %}
    {{ return(literals) }}
{% endmacro %}

{#- A value of a unit test as SQL: none, a text, a number, a boolean or a list. -#}
{% macro fixture_value(value, type) %}
    {{ return(adapter.dispatch("fixture_value", "exhaust")(value, type)) }}
{% endmacro %}

{% macro default__fixture_value(value, type) %}
    {%- if is_list(value) -%} {{ array_of(value, type | replace("[]", "")) }}
    {%- else -%} cast({{ fixture_literal(value) }} as {{ type }})
    {%- endif -%}
{% endmacro %}

{% macro spark__fixture_value(value, type) %}
    {%- if is_list(value) -%} {{ array_of(value, type[6:-1]) }}
    {%- elif type == "variant" -%} parse_json({{ fixture_literal(value) }})
    {%- else -%} cast({{ fixture_literal(value) }} as {{ type }})
    {%- endif -%}
{% endmacro %}

{% macro fixture_literal(value) %}
    {{ return(sql_literal(value, engine()) if value is string or value is none else value) }}
{% endmacro %}

{% macro is_list(value) %} {{ return(value is iterable and value is not string) }} {% endmacro %}

{#-
    The types of the columns of a query, where dbt knows them by these.
    Why: dbt-postgres calls the type of every array `ARRAY`.
-#}
{% macro types_of_columns(types, query) %}
    {{ return(adapter.dispatch("types_of_columns", "exhaust")(types, query)) }}
{% endmacro %}

{% macro default__types_of_columns(types, query) %} {{ return(types) }} {% endmacro %}

{#- The join gives one row, from which Postgres tells the types even if the query has no rows. -#}
{% macro postgres__types_of_columns(types, query) %}
    {%- set arrays = [] %}
    {%- for name, type in types.items() if type == "ARRAY" %}
        {%- do arrays.append(name) %}
    {%- endfor %}
    {%- if not arrays %} {{ return(types) }} {%- endif %}
    {%- set typed %}
        select
            {%- for name in arrays %}
                pg_typeof(rows_of_query.{{ sql_identifier(name, engine()) }})::text
                as {{ sql_identifier(name, engine()) }}
                {%- if not loop.last %}, {% endif %}
            {%- endfor %}
        from (select 1) as one_row
        left join ({{ query }}) as rows_of_query on false
    {%- endset %}
    {%- set found = run_query(typed) %}
    {{ return(dict(types, **found.rows[0].dict())) }}
{% endmacro %}
