with
    enrolments as (
        select * from {{ ref("exhaust", "int_enrolments") }} where left_out_reason is null
    ),

    courses as (select * from {{ ref("exhaust", "stg_courses") }}),

    contents as (select * from {{ ref("exhaust", "int_course_contents") }}),

    content_counts as (
        select
            contents.course_id,
            count(case when contents.is_mandatory then 1 end) as mandatory_contents
        from contents
        group by contents.course_id
    ),

    shares as (
        select
            enrolments.enrolment_number,
            enrolments.completed_at is not null as is_completed,
            enrolments.completed_contents as part,
            -- If the tree has no contents, the course itself states their number.
            coalesce(
                content_counts.mandatory_contents, greatest(courses.leaf_nodes_count, 0), 0
            ) as whole
        from enrolments
        inner join courses on enrolments.course_id = courses.course_id
        left join content_counts on enrolments.course_id = content_counts.course_id
    ),

    progress as (
        select
            shares.enrolment_number,
            case
                when shares.is_completed or (shares.whole > 0 and shares.part >= shares.whole)
                then 100
                when shares.whole > 0
                -- 199 of 200 is not everything.
                then least({{ percent_rounded_half_up("shares.part", "shares.whole") }}, 99)
                else 0
            end as progress,
            shares.part as contents_completed,
            shares.whole as contents_total
        from shares
    )

select *
from progress
