-- Built after course_progress, so that all marts that an export reads change together.
-- depends_on: {{ ref("exhaust", "course_progress") }}
with
    courses as (select * from {{ ref("exhaust", "stg_courses") }}),

    batches as (select * from {{ ref("exhaust", "stg_course_batches") }}),

    users as (select * from {{ ref("exhaust", "stg_users") }}),

    named as (
        select courses.created_by as user_id
        from courses
        union
        select batches.created_by
        from batches
        union
        select {{ array_elements("batches.mentors") }}
        from batches
    ),

    known as (
        select users.user_id, users.root_org_id
        from users
        inner join named on users.user_id = named.user_id
    )

select *
from known
