{#-
    What: rows of course_progress and of course_progress_details at one position that are not those
    of the same learner in the same batch.
    When it matters: on DuckDB, where an export joins the two by position.
    To resolve: build both with the setting preserve_insertion_order, which is on by default.
-#}
with
    report_rows as ({{ stored_keys(ref("exhaust", "course_progress")) }}),

    details as ({{ stored_keys(ref("exhaust", "course_progress_details")) }})

select report_rows.course_id, report_rows.batch_id, report_rows.user_id
from report_rows
full join details on report_rows.row_number = details.row_number
where
    report_rows.course_id is distinct from details.course_id
    or report_rows.batch_id is distinct from details.batch_id
    or report_rows.user_id is distinct from details.user_id
