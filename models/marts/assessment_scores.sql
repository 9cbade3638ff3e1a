with
    best_attempts as (select * from {{ ref("int_best_attempts") }}),

    scores as (
        select
            best_attempts.course_id,
            best_attempts.batch_id,
            best_attempts.user_id,
            best_attempts.assessment_id,
            best_attempts.assessment_ordinal,
            best_attempts.attempt_id,
            best_attempts.attempted_at,
            best_attempts.total_score,
            best_attempts.total_max_score,
            {{ percent_rounded_up("best_attempts.total_score", "best_attempts.total_max_score") }}
            as score
        from best_attempts
    )

select *
from scores
