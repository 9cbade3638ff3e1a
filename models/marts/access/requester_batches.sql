with
    courses as (select * from {{ ref("exhaust", "courses") }}),

    batches as (select * from {{ ref("exhaust", "course_batches") }} where is_known),

    requesters as (select * from {{ ref("exhaust", "requesters") }}),

    learners as (select * from {{ ref("exhaust", "course_progress") }}),

    claims as (
        select
            batches.course_id,
            batches.batch_id,
            batches.enrolled,
            batches.completed,
            batches.created_by,
            batches.mentors,
            courses.tenant_id,
            courses.created_by as course_creator
        from batches
        inner join courses on batches.course_id = courses.course_id
    ),

    {#- With what is needed of the batch: Postgres cannot estimate how many rows a further join has. #}
    rights as (
        select course_id, batch_id, enrolled, completed, tenant_id, course_creator as user_id
        from claims
        union
        select course_id, batch_id, enrolled, completed, tenant_id, created_by
        from claims
        union
        select
            course_id,
            batch_id,
            enrolled,
            completed,
            tenant_id,
            {{ array_elements("claims.mentors") }}
        from claims
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
            rights.*,
            requesters.root_org_id,
            coalesce(requesters.root_org_id = rights.tenant_id, false) as sees_all_learners
        from rights
        inner join requesters on rights.user_id = requesters.user_id
    ),

    counted as (
        select
            requested.user_id,
            requested.course_id,
            requested.batch_id,
            requested.sees_all_learners,
            case
                when requested.sees_all_learners
                then requested.enrolled
                else coalesce(counts.enrolled, 0)
            end as enrolled,
            case
                when requested.sees_all_learners
                then requested.completed
                else coalesce(counts.completed, 0)
            end as completed
        from requested
        left join
            counts
            on requested.course_id = counts.course_id
            and requested.batch_id = counts.batch_id
            and requested.root_org_id = counts.root_org_id
    )

select *
from counted
