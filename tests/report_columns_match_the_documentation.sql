{#-
    What: a course whose header plan has a gap, two labels alike in any case, or first twenty columns
    other than the documented ones.
    When it matters: always, whoever reads the file by its columns reads the wrong ones.
    To resolve: a fault of macros/marts/fixed_report_columns.sql, or two assessments whose ids differ in
    case alone.
-#}
with
    plan as (select * from {{ ref("course_report_columns") }}),

    courses as (select * from {{ ref("courses") }}),

    documented as (
        {%- set labels = [
            "Collection ID",
            "Collection Name",
            "Batch ID",
            "Batch Name",
            "User UUID",
            "State",
            "District",
            "Org Name",
            "School ID",
            "School Name",
            "Block Name",
            "Cluster Name",
            "User Type",
            "User Sub Type",
            "Declared Board",
            "Enrolment Date",
            "Completion Date",
            "Certificate Status",
            "Progress",
            "Total Score",
        ] %}
        {% for label in labels %}
            select {{ loop.index }} as ordinal, '{{ label }}' as label
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    undocumented as (
        select
            courses.course_id,
            'column ' || documented.ordinal || ' is not ' || documented.label as what_is_wrong
        from courses
        cross join documented
        left join
            plan
            on courses.course_id = plan.course_id
            and documented.ordinal = plan.ordinal
            and documented.label = plan.label
        where plan.course_id is null
    ),

    gaps as (
        select plan.course_id, 'the ordinals have a gap' as what_is_wrong
        from plan
        group by plan.course_id
        having min(plan.ordinal) <> 1 or max(plan.ordinal) <> count(distinct plan.ordinal)
    ),

    alike as (
        select plan.course_id, 'alike but for case: ' || lower(plan.label) as what_is_wrong
        from plan
        group by plan.course_id, lower(plan.label)
        having count(*) > 1
    )

select *
from undocumented
union all
select *
from gaps
union all
select *
from alike
