with
    attempts as (
        select *
        from {{ ref("exhaust", "stg_attempts") }}
        where total_score >= 0 and total_max_score > 0
    ),

    assessments as (select * from {{ ref("exhaust", "course_assessments") }}),

    counted as (
        select
            attempts.course_id, attempts.content_id, attempts.total_max_score, count(*) as attempts
        from attempts
        group by attempts.course_id, attempts.content_id, attempts.total_max_score
    ),

    ranked as (
        select
            counted.course_id,
            counted.content_id,
            counted.total_max_score,
            row_number() over (
                partition by counted.course_id, counted.content_id
                order by counted.attempts desc, counted.total_max_score desc
            ) as rank
        from counted
    ),

    usual as (
        select
            assessments.course_id,
            assessments.assessment_id,
            assessments.assessment_ordinal,
            ranked.total_max_score as usual_max_score
        from assessments
        inner join
            ranked
            on assessments.course_id = ranked.course_id
            and assessments.assessment_id = ranked.content_id
        where ranked.rank = 1
    )

select *
from usual
