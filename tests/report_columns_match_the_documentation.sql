{#-
    What: courses whose header plan has a gap, labels that are equal but for case, or first twenty
    columns that differ from the documentation.
    When it matters: always. Whoever reads the file by its columns reads the wrong ones.
    To resolve: this is a bug in macros/marts/fixed_report_columns.sql, or the IDs of two
    assessments are equal but for case.
-#}
with
    plan as (select * from {{ ref("exhaust", "course_report_columns") }}),

    courses as (select * from {{ ref("exhaust", "courses") }}),

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
            'column ' || documented.ordinal || ' is not ' || documented.label as problem
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
        select plan.course_id, 'ordinals have a gap' as problem
        from plan
        group by plan.course_id
        having min(plan.ordinal) <> 1 or max(plan.ordinal) <> count(distinct plan.ordinal)
    ),

    duplicate_labels as (
        select plan.course_id, 'labels equal but for case: ' || lower(plan.label) as problem
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
from duplicate_labels
