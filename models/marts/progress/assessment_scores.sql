{#
    A view, because no export reads it. As a table, its rows with their long IDs would be most of
    what a build writes.
#}
{{ config(materialized="view", post_hook=[]) }}

with
    best_attempts as (select * from {{ ref("exhaust", "int_best_attempts") }}),

    enrolments as (select * from {{ ref("exhaust", "int_enrolments") }}),

    assessments as (select * from {{ ref("exhaust", "course_assessments") }}),

    scores as (
        select
            enrolments.course_id,
            enrolments.batch_id,
            enrolments.user_id,
            assessments.assessment_id,
            best_attempts.assessment_ordinal,
            best_attempts.attempt_id,
            best_attempts.attempted_at,
            best_attempts.total_score,
            best_attempts.total_max_score,
            best_attempts.score
        from best_attempts
        inner join enrolments on best_attempts.enrolment_number = enrolments.enrolment_number
        inner join
            assessments
            on enrolments.course_id = assessments.course_id
            and best_attempts.assessment_ordinal = assessments.assessment_ordinal
    )

select *
from scores
