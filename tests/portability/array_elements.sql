{#-
    What: an array whose elements are not a row each; an empty one, or none, is no row.
    When it matters: a mentor may not ask for a report.
    To resolve: compare the engine's body of macros/portability/array_elements.sql with these cases.
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
