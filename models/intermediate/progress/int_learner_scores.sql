with
    best_attempts as (select * from {{ ref("exhaust", "int_best_attempts") }}),

    enrolments as (select * from {{ ref("exhaust", "int_enrolments") }}),

    assessments as (select * from {{ ref("exhaust", "course_assessments") }}),

    assessment_counts as (
        select assessments.course_id, count(*) as assessments
        from assessments
        group by assessments.course_id
    ),

    gathered as (
        select
            best_attempts.enrolment_number,
            {{
                percent_rounded_up(
                    "sum(best_attempts.total_score)", "sum(best_attempts.total_max_score)"
                )
            }} as total_score,
            array_agg(best_attempts.score) as scores,
            array_agg(best_attempts.assessment_ordinal) as ordinals
        from best_attempts
        group by best_attempts.enrolment_number
    ),

    listed as (
        select
            gathered.enrolment_number,
            gathered.total_score,
            -- One element per assessment of the course, so that the array is read by ordinal.
            {{
                array_by_ordinal(
                    "gathered.scores", "gathered.ordinals", "assessment_counts.assessments"
                )
            }} as scores
        from gathered
        inner join enrolments on gathered.enrolment_number = enrolments.enrolment_number
        inner join assessment_counts on enrolments.course_id = assessment_counts.course_id
    )

select *
from listed
