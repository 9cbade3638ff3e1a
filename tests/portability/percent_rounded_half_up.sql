{#-
    What: shares that are not the whole percentage, rounded half up.
    When it matters: Progress is off by one or differs between engines.
    To resolve: check the engine's version of macros/portability/percent_rounded_half_up.sql
    against these cases.
-#}
with
    counts(part, whole, expected) as (
        values
            (0, 8, 0),
            (1, 8, 13),
            (7, 8, 88),
            (8, 8, 100),
            (1, 3, 33),
            (2, 3, 67),
            (1, 200, 1),
            (1, 201, 0),
            (199, 200, 100),
            (57, 200, 29),
            (5000000000, 9000000000, 56)
    ),

    cases as (
        select
            cast(counts.part as bigint) as part,
            cast(counts.whole as bigint) as whole,
            counts.expected
        from counts
    )

select cases.part, cases.whole
from cases
where {{ percent_rounded_half_up("cases.part", "cases.whole") }} is distinct from cases.expected
