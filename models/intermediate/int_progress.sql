with
    enrolments as (select * from {{ ref("int_enrolments") }} where left_out_reason is null),

    courses as (select * from {{ ref("stg_courses") }}),

    contents as (select * from {{ ref("int_course_contents") }}),

    content_counts as (
        select
            contents.course_id,
            count(*) as contents,
            count(case when contents.is_mandatory then 1 end) as mandatory_contents
        from contents
        group by contents.course_id
    ),

    completed_contents as (
        select distinct
            enrolments.course_id,
            enrolments.batch_id,
            enrolments.user_id,
            unnest(enrolments.completed_content_ids) as content_id
        from enrolments
        where enrolments.completed_at is null
    ),

    completed_counts as (
        select
            completed_contents.course_id,
            completed_contents.batch_id,
            completed_contents.user_id,
            count(*) as completed,
            count(case when contents.is_mandatory then 1 end) as completed_mandatory
        from completed_contents
        left join
            contents
            on completed_contents.course_id = contents.course_id
            and completed_contents.content_id = contents.content_id
        group by
            completed_contents.course_id, completed_contents.batch_id, completed_contents.user_id
    ),

    shares as (
        select
            enrolments.course_id,
            enrolments.batch_id,
            enrolments.user_id,
            enrolments.completed_at is not null as is_completed,
            -- A course without contents in its tree says itself how many it has.
            case
                when content_counts.contents > 0
                then coalesce(completed_counts.completed_mandatory, 0)
                else coalesce(completed_counts.completed, 0)
            end as part,
            case
                when content_counts.contents > 0
                then content_counts.mandatory_contents
                else coalesce(courses.leaf_nodes_count, 0)
            end as whole
        from enrolments
        inner join courses on enrolments.course_id = courses.course_id
        left join content_counts on enrolments.course_id = content_counts.course_id
        left join
            completed_counts
            on enrolments.course_id = completed_counts.course_id
            and enrolments.batch_id = completed_counts.batch_id
            and enrolments.user_id = completed_counts.user_id
    ),

    progress as (
        select
            shares.course_id,
            shares.batch_id,
            shares.user_id,
            case
                when shares.is_completed or (shares.whole > 0 and shares.part >= shares.whole)
                then 100
                when shares.whole > 0
                then {{ percent_rounded_half_up("shares.part", "shares.whole") }}
                else 0
            end as progress
        from shares
    )

select *
from progress
