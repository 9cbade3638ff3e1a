{#-
    What: enrolments in a batch that the course does not have; they are left out.
    When it matters: always. These learners are in no report.
    To resolve: load the row of the batch in course_batch.
-#}
select
    'user_enrolments' as source_table,
    enrolments.course_id || ' / ' || enrolments.batch_id as named,
    count(*) as row_count
from {{ ref("exhaust", "int_enrolments") }} as enrolments
where enrolments.left_out_reason = 'batch unknown'
group by enrolments.course_id, enrolments.batch_id
