{#-
    What: arrays that do not give one row per element. Empty and null arrays give none.
    When it matters: a mentor cannot request a report.
    To resolve: check the engine's version of macros/portability/array_elements.sql against these
    cases.
-#}
with
    cases(given, expected) as (
        values
            ({{ array_of(["u2", "u1", "u2"]) }}, 3),
            ({{ array_of(['say "u1", u2']) }}, 1),
            ({{ array_of([]) }}, 0),
            ({{ array_of(none) }}, 0)
    ),

    elements as (select cases.expected, {{ array_elements("cases.given") }} as element from cases),

    counted as (
        select elements.expected, count(*) as actual
        from elements
        where elements.element in ('u1', 'u2', 'say "u1", u2')
        group by elements.expected
    )

select coalesce(counted.actual, 0) as actual, cases.expected
from cases
left join counted on cases.expected = counted.expected
where coalesce(counted.actual, 0) <> cases.expected
