with
    courses as (select * from {{ ref("exhaust", "courses") }}),

    batches as (select * from {{ ref("exhaust", "course_batches") }} where is_known),

    requesters as (select * from {{ ref("exhaust", "requesters") }}),

    learners as (select * from {{ ref("exhaust", "course_progress") }}),

    rights as (
        select batches.course_id, batches.batch_id, courses.created_by as user_id
        from batches
        inner join courses on batches.course_id = courses.course_id
        union
        select batches.course_id, batches.batch_id, batches.created_by
        from batches
        union
        select
            batches.course_id, batches.batch_id, {{ array_elements("batches.mentors") }} as user_id
        from batches
    ),

    counts as (
        select
            learners.course_id,
            learners.batch_id,
            learners.root_org_id,
            count(*) as enrolled,
            count(learners.completed_on) as completed
        from learners
        group by learners.course_id, learners.batch_id, learners.root_org_id
    ),

    requested as (
        select
            rights.user_id,
            rights.course_id,
            rights.batch_id,
            coalesce(requesters.root_org_id = courses.tenant_id, false) as sees_all_learners
        from rights
        inner join requesters on rights.user_id = requesters.user_id
        inner join courses on rights.course_id = courses.course_id
    ),

    counted as (
        select
            requested.user_id,
            requested.course_id,
            requested.batch_id,
            requested.sees_all_learners,
            case
                when requested.sees_all_learners
                then batches.enrolled
                else coalesce(counts.enrolled, 0)
            end as enrolled,
            case
                when requested.sees_all_learners
                then batches.completed
                else coalesce(counts.completed, 0)
            end as completed
        from requested
        inner join requesters on requested.user_id = requesters.user_id
        inner join
            batches
            on requested.course_id = batches.course_id
            and requested.batch_id = batches.batch_id
        left join
            counts
            on requested.course_id = counts.course_id
            and requested.batch_id = counts.batch_id
            and requesters.root_org_id = counts.root_org_id
    )

select *
from counted
