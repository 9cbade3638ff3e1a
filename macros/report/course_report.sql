{#-
    The report of one course as a SELECT: one column per entry of the header plan, in its order.

    Pure Jinja, rendered by dbt (models/reports/course_report.sql) and by the command.
      engine       duckdb, postgres or spark
      relation     SQL name of the mart of its rows, such as course_progress
      columns      the header plan in order: a list of
                   {column_name, label, kind, assessment_ordinal}, see course_report_columns,
                   and of added columns, see added_report_columns.sql
      course_id    the course; none gives the columns without rows
      batch_ids    the batches to include; none means all batches of the course
      root_org_id  include only learners of this root organisation; none means all learners
    Dates and `%` are formatted here and nowhere else, so that the mart keeps its types.
-#}
{%- macro course_report(engine, relation, columns, course_id, batch_ids=none, root_org_id=none) -%}
    {{
        report_of(
            report_values(engine, columns), engine, relation, course_id, batch_ids, root_org_id
        )
    }}
{%- endmacro -%}

{#- The columns of a report, which are the same for all batches of a course. -#}
{%- macro report_values(engine, columns) -%}
    {%- for column in columns %}
        {{ report_value(engine, column) }} as {{ sql_identifier(column.label, engine) }}
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro -%}

{#-
    The SELECT of these columns. `details` is the SQL name of course_progress_details, if one of the
    columns needs it.
-#}
{%- macro report_of(values, engine, relation, course_id, batch_ids, root_org_id, details=none) -%}
    {%- set condition = rows_of_report(engine, course_id, batch_ids, root_org_id) -%}
    select {{ values }}
    {#- DuckDB returns the rows of one table in the order in which they are stored, which is the
        report's (tests/course_progress_is_sorted.sql). Sorting them again, as after a join by keys,
        would cost time and memory (tests/course_progress_details_are_in_step.sql). #}
    {%- if engine == "duckdb" %}
        from (select * from {{ relation }} as report_rows where {{ condition }}) as report_rows
        {%- if details is not none %}
            positional join
                (select * from {{ details }} as report_rows where {{ condition }}) as details
        {%- endif %}
    {%- else %}
        from {{ relation }} as report_rows
        {%- if details is not none %}
            left join
                {{ details }} as details
                on report_rows.course_id = details.course_id
                and report_rows.batch_id = details.batch_id
                and report_rows.user_id = details.user_id
        {%- endif %}
        where {{ condition }}
        order by
            {{ sql_bytewise("report_rows.batch_id", engine) }},
            {{ sql_bytewise("report_rows.user_id", engine) }}
    {%- endif %}
{%- endmacro -%}

{#- The condition that selects the rows of a report. -#}
{%- macro rows_of_report(engine, course_id, batch_ids, root_org_id) -%}
    {%- if course_id is none -%} false
    {%- else -%}
        report_rows.course_id = {{ sql_literal(course_id, engine) }}
        {%- if batch_ids is not none %}
            and report_rows.batch_id in (
                {%- for batch_id in batch_ids -%}
                    {{ sql_literal(batch_id, engine) }}{% if not loop.last %}, {% endif %}
                {%- endfor -%}
            )
        {%- endif %}
        {%- if root_org_id is not none %}
            and report_rows.root_org_id = {{ sql_literal(root_org_id, engine) }}
        {%- endif %}
    {%- endif %}
{%- endmacro -%}

{#- A SELECT of one row: how many learners of a report attempted each of its assessments. -#}
{%- macro assessment_attempts(
    engine, relation, assessments, course_id, batch_ids, root_org_id=none
) -%}
    select
        {%- for assessment in assessments %}
            count({{ score_of(engine, assessment) }}) {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ relation }} as report_rows
    where {{ rows_of_report(engine, course_id, batch_ids, root_org_id) }}
{%- endmacro -%}

{#-
    A column of the report as text, by its kind in the header plan. A score of zero is `0%`, and one
    that was not attempted is blank; the number of attempts is 0. Text columns are selected
    in the same form in which they are sorted; otherwise Postgres would count the sorted ones twice
    towards its maximum number of columns.
-#}
{%- macro report_value(engine, column) -%}
    {%- set value = report_source(engine, column) -%}
    {%- if column.kind == "date" and engine == "postgres" -%} to_char({{ value }}, 'DD/MM/YYYY')
    {%- elif column.kind == "date" and engine == "spark" -%} date_format({{ value }}, 'dd/MM/yyyy')
    {%- elif column.kind == "date" -%} strftime({{ value }}, '%d/%m/%Y')
    {%- elif column.kind == "sunbird_batch" -%} 'BatchId_' || {{ value }}
    {%- elif column.kind == "score" -%} {{ score_column(engine, column) }}
    {%- elif column.kind == "percent" -%} {{ value }} || '%'
    {%- elif column.kind == "count" -%} coalesce({{ value }}, 0)
    {%- elif column.kind == "decimal" -%} {{ sql_plain_decimal(value, engine) }}
    {%- elif column.kind == "text" -%} {{ sql_bytewise(value, engine) }}
    {%- else -%} {{ value }}
    {%- endif -%}
{%- endmacro -%}

{#- Where the value of a column is. Added columns are in course_progress_details. -#}
{%- macro report_source(engine, column) -%}
    {%- if not column.get("addition") -%} report_rows.{{ column.column_name }}
    {%- elif column.assessment_ordinal -%}
        {{ element_of("details." ~ column.source, column.assessment_ordinal, engine) }}
    {%- elif column.whole -%}
        (
            case
                when details.{{ column.whole }} > 0
                then details.{{ column.source }} || ' of ' || details.{{ column.whole }}
            end
        )
    {%- else -%} details.{{ column.source }}
    {%- endif -%}
{%- endmacro -%}

{#- A decimal with 6 places as text, without trailing zeros. -#}
{%- macro sql_plain_decimal(value, engine) -%}
    trim(
        trailing '.'
        from
            trim(
                trailing '0'
                from cast({{ value }} as {{ "string" if engine == "spark" else "text" }})
            )
    )
{%- endmacro -%}
