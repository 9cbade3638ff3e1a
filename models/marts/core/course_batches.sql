-- Built after course_progress, so that all marts that an export reads change together.
-- depends_on: {{ ref("exhaust", "course_progress") }}
with
    batches as (select * from {{ ref("exhaust", "stg_course_batches") }}),

    courses as (select * from {{ ref("exhaust", "stg_courses") }}),

    enrolments as (select * from {{ ref("exhaust", "int_enrolments") }}),

    counts as (
        select
            enrolments.course_id,
            enrolments.batch_id,
            count(*) as enrolments,
            count(case when enrolments.left_out_reason is null then 1 end) as enrolled,
            count(
                case
                    when enrolments.left_out_reason is null and enrolments.completed_at is not null
                    then 1
                end
            ) as completed,
            {% for reason in left_out_reasons() %}
                count(
                    case when enrolments.left_out_reason = '{{ reason }}' then 1 end
                ) as left_out_{{ reason | replace(" ", "_") }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from enrolments
        group by enrolments.course_id, enrolments.batch_id
    ),

    counted_batches as (
        select
            coalesce(batches.course_id, counts.course_id) as course_id,
            coalesce(batches.batch_id, counts.batch_id) as batch_id,
            batches.batch_name,
            batches.status,
            {{ report_day("batches.starts_at") }} as starts_on,
            {{ report_day("batches.ends_at") }} as ends_on,
            batches.created_by,
            batches.mentors,
            batches.batch_id is not null and courses.course_id is not null as is_known,
            coalesce(counts.enrolments, 0) as enrolments,
            coalesce(counts.enrolled, 0) as enrolled,
            coalesce(counts.completed, 0) as completed,
            {% for reason in left_out_reasons() %}
                {%- set column = "left_out_" ~ reason | replace(" ", "_") %}
                coalesce(counts.{{ column }}, 0) as {{ column }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from batches
        full outer join
            counts on batches.course_id = counts.course_id and batches.batch_id = counts.batch_id
        left join courses on batches.course_id = courses.course_id
    )

select *
from counted_batches
