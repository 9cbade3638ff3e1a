{#-
    What: rows of course_progress and of course_progress_details at one position that are not those
    of the same learner in the same batch.
    When it matters: on DuckDB, where an export joins the two by position.
    To resolve: build both with the setting preserve_insertion_order, which is on by default.
-#}
with
    report_rows as (
        select
            course_progress.course_id,
            course_progress.batch_id,
            course_progress.user_id,
            {{ physical_row_number() }} as row_number
        from {{ ref("exhaust", "course_progress") }} as course_progress
        where {{ physical_row_number() }} is not null
    ),

    details as (
        select
            course_progress_details.course_id,
            course_progress_details.batch_id,
            course_progress_details.user_id,
            {{ physical_row_number() }} as row_number
        from {{ ref("exhaust", "course_progress_details") }} as course_progress_details
        where {{ physical_row_number() }} is not null
    )

select report_rows.course_id, report_rows.batch_id, report_rows.user_id
from report_rows
full join details on report_rows.row_number = details.row_number
where
    report_rows.course_id is distinct from details.course_id
    or report_rows.batch_id is distinct from details.batch_id
    or report_rows.user_id is distinct from details.user_id
