{#-
    What: enrolments of a course without a published hierarchy that can be read; they are left out.
    When it matters: always, these learners are in no report.
    To resolve: load the course's row of content_hierarchy.
-#}
select 'user_enrolments' as source_table, enrolments.course_id as named, count(*) as row_count
from {{ ref("int_enrolments") }} as enrolments
where enrolments.left_out_reason = 'course unknown'
group by enrolments.course_id
