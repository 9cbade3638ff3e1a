-- Built after course_progress, so that all marts that an export reads change together.
-- depends_on: {{ ref("exhaust", "course_progress") }}
with
    courses as (select * from {{ ref("exhaust", "stg_courses") }}),

    organisations as (select * from {{ ref("exhaust", "stg_organisations") }}),

    batches as (select * from {{ ref("exhaust", "course_batches") }}),

    assessments as (select * from {{ ref("exhaust", "course_assessments") }}),

    batch_counts as (
        select
            batches.course_id,
            count(case when batches.is_known then 1 end) as batches,
            cast(sum(batches.enrolments) as bigint) as enrolments
        from batches
        group by batches.course_id
    ),

    assessment_counts as (
        select assessments.course_id, count(*) as assessments
        from assessments
        group by assessments.course_id
    ),

    counted_courses as (
        select
            courses.course_id,
            courses.course_name,
            courses.status,
            courses.tenant_id,
            organisations.organisation_name as tenant_name,
            courses.created_by,
            coalesce(batch_counts.batches, 0) as batches,
            coalesce(batch_counts.enrolments, 0) as enrolments,
            coalesce(assessment_counts.assessments, 0) as assessments
        from courses
        left join organisations on courses.tenant_id = organisations.organisation_id
        left join batch_counts on courses.course_id = batch_counts.course_id
        left join assessment_counts on courses.course_id = assessment_counts.course_id
    )

select *
from counted_courses
