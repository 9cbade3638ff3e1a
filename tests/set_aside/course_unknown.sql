{#-
    What: enrolments in a course without a readable published hierarchy; they are left out.
    When it matters: always. These learners are in no report.
    To resolve: load the row of the course in content_hierarchy.
-#}
select 'user_enrolments' as source_table, enrolments.course_id as named, count(*) as row_count
from {{ ref("exhaust", "int_enrolments") }} as enrolments
where enrolments.left_out_reason = 'course unknown'
group by enrolments.course_id
