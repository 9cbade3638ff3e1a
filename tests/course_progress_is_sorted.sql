{#-
    What: rows of course_progress that are stored before a row that comes earlier in the report.
    When it matters: on DuckDB, where an export reads the rows in the order in which they are
    stored.
    To resolve: build with the setting preserve_insertion_order, which is on by default.
-#}
with
    numbered as ({{ stored_keys(ref("exhaust", "course_progress")) }}),

    in_order as (
        select
            numbered.course_id,
            numbered.batch_id,
            numbered.user_id,
            numbered.row_number,
            lead(numbered.row_number) over (
                order by
                    {{ bytewise("numbered.course_id") }},
                    {{ bytewise("numbered.batch_id") }},
                    {{ bytewise("numbered.user_id") }}
            ) as next_row_number
        from numbered
    )

select in_order.course_id, in_order.batch_id, in_order.user_id
from in_order
where in_order.next_row_number < in_order.row_number
