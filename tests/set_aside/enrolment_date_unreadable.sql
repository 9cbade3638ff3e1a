{#-
    What: enrolments left out because the text of their enrolment date cannot be read, by batch.
    When it matters: always. These learners are in no report.
    To resolve: look at the example, and at the program that wrote the extract. docs/extract.md
    lists the forms.
-#}
select
    'user_enrolments' as source_table,
    enrolments.course_id
    || ' / '
    || enrolments.batch_id
    || ', for example `'
    || {{ excerpt("min(" ~ bytewise("enrolments.unreadable_enrolment_date") ~ ")") }}
    || '`' as named,
    count(*) as row_count
from {{ ref("exhaust", "int_enrolments") }} as enrolments
where enrolments.left_out_reason = 'enrolment date unreadable'
group by enrolments.course_id, enrolments.batch_id
