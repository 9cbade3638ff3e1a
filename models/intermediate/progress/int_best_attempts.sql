with
    attempts as (
        select *
        from {{ ref("exhaust", "stg_attempts") }}
        where total_score >= 0 and total_max_score > 0
    ),

    enrolments as (
        select * from {{ ref("exhaust", "int_enrolments") }} where left_out_reason is null
    ),

    assessments as (select * from {{ ref("exhaust", "int_usual_maximums") }}),

    ranked as (
        select
            enrolments.enrolment_number,
            assessments.assessment_ordinal,
            assessments.usual_max_score,
            attempts.attempt_id,
            attempts.total_score,
            attempts.total_max_score,
            attempts.attempted_at,
            row_number() over (
                partition by enrolments.enrolment_number, assessments.assessment_ordinal
                order by
                    attempts.total_score desc,
                    -- Of equal scores, the one with the lowest maximum is the highest share. All
                    -- shares of a score of zero are equal.
                    case when attempts.total_score > 0 then attempts.total_max_score end,
                    attempts.attempted_at desc nulls last,
                    {{ bytewise("attempts.attempt_id") }}
            ) as rank,
            count(*) over of_assessment as attempts,
            max(attempts.attempted_at) over of_assessment as last_attempted_at
        from attempts
        inner join
            assessments
            on attempts.course_id = assessments.course_id
            and attempts.content_id = assessments.assessment_id
        inner join
            enrolments
            on attempts.course_id = enrolments.course_id
            and attempts.batch_id = enrolments.batch_id
            and attempts.user_id = enrolments.user_id
        window
            of_assessment as (
                partition by enrolments.enrolment_number, assessments.assessment_ordinal
            )
    ),

    best as (
        select
            ranked.enrolment_number,
            ranked.assessment_ordinal,
            ranked.attempt_id,
            ranked.total_score,
            ranked.total_max_score,
            ranked.attempted_at,
            ranked.last_attempted_at,
            cast(ranked.attempts as integer) as attempts,
            ranked.usual_max_score,
            {{ percent_rounded_up("ranked.total_score", "ranked.total_max_score") }} as score
        from ranked
        where ranked.rank = 1
    )

select *
from best
