{#-
    What: batches whose enrolments do not add up to the rows of the report and those left out, by
    reason.
    When it matters: always. A learner is missing or appears twice.
    To resolve: this is a bug in the models. Do not hand out reports until it is fixed.
-#}
with
    landed as (
        select enrolments.course_id, enrolments.batch_id, count(*) as enrolments
        from {{ ref("exhaust", "stg_enrolments") }} as enrolments
        group by enrolments.course_id, enrolments.batch_id
    ),

    reported as (
        select course_progress.course_id, course_progress.batch_id, count(*) as enrolled
        from {{ ref("exhaust", "course_progress") }} as course_progress
        group by course_progress.course_id, course_progress.batch_id
    ),

    batches as (select * from {{ ref("exhaust", "course_batches") }})

select batches.course_id, batches.batch_id
from batches
full outer join
    landed on batches.course_id = landed.course_id and batches.batch_id = landed.batch_id
left join
    reported on batches.course_id = reported.course_id and batches.batch_id = reported.batch_id
where
    batches.course_id is null
    or batches.enrolments <> coalesce(landed.enrolments, 0)
    or batches.enrolled <> coalesce(reported.enrolled, 0)
    or batches.enrolments <> batches.enrolled
    {%- for reason in left_out_reasons() %}
        + batches.left_out_{{ reason | replace(" ", "_") }}
    {%- endfor %}
