{#-
    What: rows that are not numbered from 1 in the bytewise order of their columns.
    When it matters: enrolments with the same number share their scores, or the rows of a report
    are in another order.
    To resolve: check the engine's version of macros/portability/number_rows.sql against these
    cases.
-#}
with
    cases(course_id, batch_id, user_id, expected) as (
        values
            ('b', '02', 'u', 7),
            ('a', '02', 'u2', 5),
            ('a', '02', 'u10', 4),
            ('a', '01', 'Z', 2),
            ('a', '01', 'z', 3),
            ('B', '02', 'u', 1),
            ('b', '01', 'z', 6)
    ),

    numbered as ({{ number_rows("cases", ["course_id", "batch_id"], ["user_id"], "found") }})

select numbered.course_id, numbered.batch_id, numbered.user_id, numbered.found
from numbered
where numbered.found <> numbered.expected
