with
    scores as (select * from {{ ref("assessment_scores") }}),

    assessments as (select * from {{ ref("course_assessments") }}),

    totals as (
        select
            scores.course_id,
            scores.batch_id,
            scores.user_id,
            {{ percent_rounded_up("sum(scores.total_score)", "sum(scores.total_max_score)") }}
            as total_score
        from scores
        group by scores.course_id, scores.batch_id, scores.user_id
    ),

    -- A place for every assessment of the course, so that the array is read by ordinal.
    listed as (
        select
            totals.course_id,
            totals.batch_id,
            totals.user_id,
            totals.total_score,
            array_agg(scores.score order by assessments.assessment_ordinal) as scores
        from totals
        inner join assessments on totals.course_id = assessments.course_id
        left join
            scores
            on totals.course_id = scores.course_id
            and totals.batch_id = scores.batch_id
            and totals.user_id = scores.user_id
            and assessments.assessment_id = scores.assessment_id
        group by totals.course_id, totals.batch_id, totals.user_id, totals.total_score
    )

select *
from listed
