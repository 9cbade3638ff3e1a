{#-
    What: batches whose summaries have not as many learners as the report has rows.
    When it matters: always. The page and the report would say different numbers.
    To resolve: this is a bug in the models of models/marts/summaries.
-#}
with
    batches as (select * from {{ ref("exhaust", "course_batches") }}),

    locations as (
        select
            location_summaries.course_id,
            location_summaries.batch_id,
            sum(location_summaries.enrolled) as enrolled,
            sum(location_summaries.completed) as completed
        from {{ ref("exhaust", "location_summaries") }} as location_summaries
        group by location_summaries.course_id, location_summaries.batch_id
    ),

    weeks as (
        select
            week_summaries.course_id,
            week_summaries.batch_id,
            sum(week_summaries.enrolled) as enrolled,
            sum(week_summaries.completed) as completed
        from {{ ref("exhaust", "week_summaries") }} as week_summaries
        group by week_summaries.course_id, week_summaries.batch_id
    ),

    assessments as (
        select
            score_summaries.course_id,
            score_summaries.batch_id,
            score_summaries.assessment_ordinal,
            sum(score_summaries.learners) as enrolled
        from {{ ref("exhaust", "score_summaries") }} as score_summaries
        group by
            score_summaries.course_id, score_summaries.batch_id, score_summaries.assessment_ordinal
    )

select batches.course_id, batches.batch_id
from batches
left join
    locations on batches.course_id = locations.course_id and batches.batch_id = locations.batch_id
left join weeks on batches.course_id = weeks.course_id and batches.batch_id = weeks.batch_id
left join
    assessments
    on batches.course_id = assessments.course_id
    and batches.batch_id = assessments.batch_id
where
    batches.enrolled <> coalesce(locations.enrolled, 0)
    or batches.completed <> coalesce(locations.completed, 0)
    or batches.enrolled <> coalesce(weeks.enrolled, 0)
    or batches.completed <> coalesce(weeks.completed, 0)
    or batches.enrolled <> assessments.enrolled
