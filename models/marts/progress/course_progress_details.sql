{#
    What reports may add to course_progress. Exports join it only for columns that need it; on
    DuckDB by the position of the rows, so they are stored in the same order. On Spark, exports read
    only the files of their course.
#}
{{ config(partition_by="course_id") }}

-- Built after course_progress, so that all marts that an export reads change together.
-- depends_on: {{ ref("exhaust", "course_progress") }}
with
    enrolments as (
        select * from {{ ref("exhaust", "int_enrolments") }} where left_out_reason is null
    ),

    profiles as (select * from {{ ref("exhaust", "int_learner_profiles") }}),

    progress as (select * from {{ ref("exhaust", "int_progress") }}),

    learner_scores as (select * from {{ ref("exhaust", "int_learner_scores") }}),

    assessments as (select * from {{ ref("exhaust", "course_assessments") }}),

    usual_maximums as (select * from {{ ref("exhaust", "int_usual_maximums") }}),

    totals as (
        select
            assessments.course_id,
            count(*) as assessments,
            sum(usual_maximums.usual_max_score) as usual_max_points_sum
        from assessments
        left join
            usual_maximums
            on assessments.course_id = usual_maximums.course_id
            and assessments.assessment_ordinal = usual_maximums.assessment_ordinal
        group by assessments.course_id
    ),

    summed as (
        select
            enrolments.enrolment_number,
            enrolments.course_id,
            enrolments.batch_id,
            enrolments.user_id,
            profiles.root_org_id,
            case
                when enrolments.completed_at is not null
                then 'Completed'
                when enrolments.has_started or learner_scores.enrolment_number is not null
                then 'In progress'
                else 'Not started'
            end as status,
            progress.contents_completed,
            progress.contents_total,
            coalesce(learner_scores.assessments_attempted, 0) as assessments_attempted,
            coalesce(totals.assessments, 0) as assessments_total,
            learner_scores.attempts,
            learner_scores.points,
            learner_scores.max_points,
            coalesce(learner_scores.points_sum, 0) as points_sum,
            -- Every assessment that somebody tried, those of the learner with their own maximum.
            totals.usual_max_points_sum + coalesce(
                learner_scores.max_points_sum - learner_scores.usual_max_points_sum, 0
            ) as max_points_sum,
            {{ report_day("greatest(enrolments.updated_at, learner_scores.last_attempted_at)") }}
            as last_activity_on,
            {{ report_day("enrolments.certificate_issued_at") }} as certificate_on
        from enrolments
        inner join progress on enrolments.enrolment_number = progress.enrolment_number
        left join profiles on enrolments.user_id = profiles.user_id
        left join learner_scores on enrolments.enrolment_number = learner_scores.enrolment_number
        left join totals on enrolments.course_id = totals.course_id
    ),

    details as (
        select
            summed.course_id,
            summed.batch_id,
            summed.user_id,
            summed.root_org_id,
            summed.status,
            cast(summed.contents_completed as integer) as contents_completed,
            cast(summed.contents_total as bigint) as contents_total,
            cast(summed.assessments_attempted as integer) as assessments_attempted,
            cast(summed.assessments_total as integer) as assessments_total,
            summed.attempts,
            summed.points,
            summed.max_points,
            {{ percent_rounded_up("summed.points_sum", "summed.max_points_sum") }}
            as total_score_all,
            summed.last_activity_on,
            summed.certificate_on
        from summed
        order by summed.enrolment_number
    )

select *
from details
