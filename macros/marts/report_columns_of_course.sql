{#-
    The columns of one course in `header_plan`, the mart course_report_columns, in the form that
    macros/report/course_report.sql takes. The variable `course_id` names the course; without it,
    there are only the fixed columns.
-#}
{% macro report_columns_of_course(header_plan) %}
    {%- if var("course_id", none) is none or not execute -%}
        {{ return(fixed_report_columns()) }}
    {%- endif -%}
    {%- set plan = run_query(
        "select column_name, label, kind, assessment_ordinal from "
        ~ header_plan
        ~ " where course_id = "
        ~ sql_literal(var("course_id"), engine())
        ~ " order by ordinal"
    ) -%}
    {%- set columns = [] -%}
    {%- for row in plan.rows -%}
        {%- do columns.append(
            {
                "column_name": row[0],
                "label": row[1],
                "kind": row[2],
                "assessment_ordinal": row[3],
            }
        ) -%}
    {%- endfor -%}
    {{ return(columns or fixed_report_columns()) }}
{% endmacro %}
