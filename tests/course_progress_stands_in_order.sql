{#-
    What: a row of course_progress that stands before one of the row above it in the report's order.
    When it matters: on DuckDB, where an export takes the rows as they stand.
    To resolve: build with the setting preserve_insertion_order, which is on by default.
-#}
with
    numbered as (
        select
            course_progress.course_id,
            course_progress.batch_id,
            course_progress.user_id,
            {{ place_in_table() }} as place
        from {{ ref("course_progress") }} as course_progress
        where {{ place_in_table() }} is not null
    ),

    in_order as (
        select
            numbered.course_id,
            numbered.batch_id,
            numbered.user_id,
            numbered.place,
            lead(numbered.place) over (
                order by
                    {{ bytewise("numbered.course_id") }},
                    {{ bytewise("numbered.batch_id") }},
                    {{ bytewise("numbered.user_id") }}
            ) as next_place
        from numbered
    )

select in_order.course_id, in_order.batch_id, in_order.user_id
from in_order
where in_order.next_place < in_order.place
