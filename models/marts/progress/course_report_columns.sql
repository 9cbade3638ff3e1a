-- Built after course_progress, so that all marts that an export reads change together.
-- depends_on: {{ ref("exhaust", "course_progress") }}
with
    courses as (select * from {{ ref("exhaust", "stg_courses") }}),

    assessments as (select * from {{ ref("exhaust", "course_assessments") }}),

    fixed_columns as (
        {% for column in fixed_report_columns() %}
            select
                {{ loop.index }} as ordinal,
                '{{ column.column_name }}' as column_name,
                '{{ column.label }}' as label,
                '{{ column.kind }}' as kind
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    report_columns as (
        select
            courses.course_id,
            fixed_columns.ordinal,
            fixed_columns.column_name,
            fixed_columns.label,
            fixed_columns.kind,
            cast(null as integer) as assessment_ordinal,
            cast(null as {{ dbt.type_string() }}) as assessment_name
        from courses
        cross join fixed_columns
        union all
        select
            assessments.course_id,
            {{ fixed_report_columns() | length }} + assessments.assessment_ordinal as ordinal,
            assessments.assessment_id as column_name,
            assessments.assessment_id || ' - Score' as label,
            'score' as kind,
            assessments.assessment_ordinal,
            assessments.assessment_name
        from assessments
    )

select *
from report_columns
