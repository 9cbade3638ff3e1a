with
    enrolments as (select * from {{ ref("exhaust", "stg_enrolments") }}),

    courses as (select * from {{ ref("exhaust", "stg_courses") }}),

    batches as (select * from {{ ref("exhaust", "stg_course_batches") }}),

    contents as (select * from {{ ref("exhaust", "int_course_contents") }}),

    course_contents as (
        select
            contents.course_id,
            array_agg(contents.content_id) filter (where contents.is_mandatory) as mandatory_ids
        from contents
        group by contents.course_id
    ),

    judged as (
        select
            enrolments.course_id,
            enrolments.batch_id,
            enrolments.user_id,
            enrolments.enrolled_at,
            enrolments.completed_at,
            enrolments.has_certificate,
            enrolments.certificate_issued_at,
            enrolments.updated_at,
            enrolments.content_status,
            case
                when course_contents.course_id is null
                then {{ json_count_keys_with_value("enrolments.content_status", 2) }}
                else
                    {{
                        json_count_keys_with_value(
                            "enrolments.content_status", 2, "course_contents.mandatory_ids"
                        )
                    }}
            end as completed_contents,
            case
                when courses.course_id is null
                then 'course unknown'
                when batches.batch_id is null
                then 'batch unknown'
                when not enrolments.is_active
                then 'inactive'
                when enrolments.enrolled_at is not null
                then null
                when enrolments.enrolment_date_text is null
                then 'no enrolment date'
                else 'enrolment date unreadable'
            end as left_out_reason,
            case
                when enrolments.enrolled_at is null then enrolments.enrolment_date_text
            end as unreadable_enrolment_date
        from enrolments
        left join courses on enrolments.course_id = courses.course_id
        left join
            batches
            on enrolments.course_id = batches.course_id
            and enrolments.batch_id = batches.batch_id
        left join
            course_contents on enrolments.course_id = course_contents.course_id
            {{ optimizer_fence() }}
    ),

    started as (
        select
            judged.course_id,
            judged.batch_id,
            judged.user_id,
            judged.enrolled_at,
            judged.completed_at,
            judged.has_certificate,
            judged.certificate_issued_at,
            judged.updated_at,
            judged.completed_contents,
            case
                when judged.completed_at is not null or judged.completed_contents > 0
                then true
                else
                    {{ json_count_keys_with_value("judged.content_status", 1) }} > 0
                    or {{ json_count_keys_with_value("judged.content_status", 2) }} > 0
            end as has_started,
            judged.left_out_reason,
            judged.unreadable_enrolment_date
        from
            judged
            -- Count the contents before the sort, which then need not carry the JSON.
            {{ optimizer_fence() }}
    ),

    -- The models below join and sort by this one number, not by three text columns.
    numbered as (
        {{ number_rows("started", ["course_id", "batch_id"], ["user_id"], "enrolment_number") }}
    )

select *
from numbered
