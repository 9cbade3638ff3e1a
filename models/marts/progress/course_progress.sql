{#
    Exports read this mart batch by batch, in the order of the report; they read no other mart in an
    order. On Spark, they read only the files of their course.
#}
{{
    config(
        post_hook="{{ order_by_batch(this) }}",
        partition_by="course_id",
    )
}}

with
    enrolments as (
        select * from {{ ref("exhaust", "int_enrolments") }} where left_out_reason is null
    ),

    courses as (select * from {{ ref("exhaust", "stg_courses") }}),

    batches as (select * from {{ ref("exhaust", "stg_course_batches") }}),

    profiles as (select * from {{ ref("exhaust", "int_learner_profiles") }}),

    progress as (select * from {{ ref("exhaust", "int_progress") }}),

    learner_scores as (select * from {{ ref("exhaust", "int_learner_scores") }}),

    rows_of_the_report as (
        select
            enrolments.course_id,
            courses.course_name,
            enrolments.batch_id,
            batches.batch_name,
            enrolments.user_id,
            profiles.root_org_id,
            profiles.state,
            profiles.district,
            profiles.org_name,
            profiles.school_id,
            profiles.school_name,
            profiles.block,
            profiles.cluster,
            profiles.user_type,
            profiles.user_sub_type,
            profiles.declared_board,
            {{ report_day("enrolments.enrolled_at") }} as enrolled_on,
            {{ report_day("enrolments.completed_at") }} as completed_on,
            case when enrolments.has_certificate then 'Issued' end as certificate_status,
            enrolments.has_started or learner_scores.enrolment_number is not null as has_started,
            progress.progress,
            learner_scores.total_score,
            learner_scores.scores
        from enrolments
        inner join courses on enrolments.course_id = courses.course_id
        inner join
            batches
            on enrolments.course_id = batches.course_id
            and enrolments.batch_id = batches.batch_id
        inner join progress on enrolments.enrolment_number = progress.enrolment_number
        left join profiles on enrolments.user_id = profiles.user_id
        left join learner_scores on enrolments.enrolment_number = learner_scores.enrolment_number
        -- Exports read a batch in the order of its learners.
        order by enrolments.enrolment_number
    )

select *
from rows_of_the_report
