with
    learners as (
        select
            course_progress.course_id,
            course_progress.batch_id,
            coalesce(course_progress.root_org_id, '') as root_org_id,
            coalesce(course_progress.state, '') as state,
            coalesce(course_progress.district, '') as district,
            coalesce(course_progress.block, '') as block,
            course_progress.has_started,
            course_progress.completed_on,
            course_progress.certificate_status
        from {{ ref("exhaust", "course_progress") }} as course_progress
    ),

    counts as (
        select
            learners.course_id,
            learners.batch_id,
            learners.root_org_id,
            learners.state,
            learners.district,
            learners.block,
            count(*) as enrolled,
            count(case when learners.has_started then 1 end) as started,
            count(learners.completed_on) as completed,
            count(learners.certificate_status) as certified
        from learners
        group by
            learners.course_id,
            learners.batch_id,
            learners.root_org_id,
            learners.state,
            learners.district,
            learners.block
    )

select *
from counts
