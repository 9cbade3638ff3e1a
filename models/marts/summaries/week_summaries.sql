with
    learners as (select * from {{ ref("exhaust", "course_progress") }}),

    -- Read once: the pairs of days are few.
    days as (
        select
            learners.course_id,
            learners.batch_id,
            learners.root_org_id,
            learners.enrolled_on,
            learners.completed_on,
            count(*) as learners
        from learners
        group by
            learners.course_id,
            learners.batch_id,
            learners.root_org_id,
            learners.enrolled_on,
            learners.completed_on
    ),

    events as (
        select
            days.course_id,
            days.batch_id,
            days.root_org_id,
            days.enrolled_on as happened_on,
            days.learners as enrolled,
            0 as completed
        from days
        union all
        select
            days.course_id,
            days.batch_id,
            days.root_org_id,
            days.completed_on as happened_on,
            0 as enrolled,
            days.learners as completed
        from days
        where days.completed_on is not null
    ),

    dated as (
        select
            events.course_id,
            events.batch_id,
            coalesce(events.root_org_id, '') as root_org_id,
            cast(
                {{ dbt.date_trunc("week", "cast(events.happened_on as timestamp)") }} as date
            ) as week_starts_on,
            events.enrolled,
            events.completed
        from events
    ),

    weeks as (
        select
            dated.course_id,
            dated.batch_id,
            dated.root_org_id,
            dated.week_starts_on,
            cast(sum(dated.enrolled) as bigint) as enrolled,
            cast(sum(dated.completed) as bigint) as completed
        from dated
        group by dated.course_id, dated.batch_id, dated.root_org_id, dated.week_starts_on
    )

select *
from weeks
