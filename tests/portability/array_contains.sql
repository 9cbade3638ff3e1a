{#-
    What: arrays that seem to contain an element that they do not, or the reverse.
    When it matters: a cycle of locations never ends, or a school loses its district.
    To resolve: check the engine's version of macros/portability/array_contains.sql against these
    cases.
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
