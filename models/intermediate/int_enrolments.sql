with
    enrolments as (select * from {{ ref("stg_enrolments") }}),

    courses as (select * from {{ ref("stg_courses") }}),

    batches as (select * from {{ ref("stg_course_batches") }}),

    judged as (
        select
            enrolments.course_id,
            enrolments.batch_id,
            enrolments.user_id,
            enrolments.enrolled_at,
            enrolments.completed_at,
            enrolments.has_certificate,
            enrolments.completed_content_ids,
            case
                when courses.course_id is null
                then 'course unknown'
                when batches.batch_id is null
                then 'batch unknown'
                when not enrolments.is_active
                then 'inactive'
                when enrolments.enrolled_at is null
                then 'no enrolment date'
            end as left_out_reason
        from enrolments
        left join courses on enrolments.course_id = courses.course_id
        left join
            batches
            on enrolments.course_id = batches.course_id
            and enrolments.batch_id = batches.batch_id
    )

select *
from judged
