{#-
    What: shares of unreadable values that are taken for bad data but mean an unknown format, or
    the reverse.
    When it matters: always. Reports are silently wrong, or cannot be made at all.
    To resolve: this is a bug in is_mostly_unreadable in macros/staging/unreadable_values.sql.
-#}
with
    cases(unreadable, value_count, expected) as (
        values
            (0, 0, false),
            (0, 1, false),
            (1, 1, true),
            (1, 2, false),
            (2, 3, false),
            (9, 9, true),
            (9, 10, false),
            (9, 18, false),
            (10, 11, true),
            (10, 19, true),
            (10, 20, false),
            (10, 21, false),
            (1000, 1999, true),
            (1000, 2000, false)
    )

select cases.unreadable, cases.value_count
from cases
where {{ is_mostly_unreadable("cases.unreadable", "cases.value_count") }} <> cases.expected
