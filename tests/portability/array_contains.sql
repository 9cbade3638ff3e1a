{#-
    What: an array that is said to hold what it does not, or not to hold what it does.
    When it matters: a cycle of locations would never end, or a school would lose its district.
    To resolve: compare the engine's body of macros/portability/array_contains.sql with these cases.
-#}
with
    cases(elements, wanted, expected) as (
        values
            ({{ array_of(["a", "b"]) }}, 'b', true),
            ({{ array_of(["a", "b"]) }}, 'B', false),
            ({{ array_of(["ab"]) }}, 'a', false),
            ({{ array_of([]) }}, 'a', false)
    )

select cases.wanted
from cases
where ({{ array_contains("cases.elements", "cases.wanted") }}) <> cases.expected
