{#-
    What: elements that are not at their ordinals.
    When it matters: the score of a learner appears under another assessment.
    To resolve: check the engine's version of macros/portability/array_by_ordinal.sql against these
    cases.
-#}
with
    cases(elements, ordinals, length, expected) as (
        values
            (
                {{ array_of([30, 10], "integer") }},
                {{ array_of([3, 1], "integer") }},
                3,
                {{ array_of([10, none, 30], "integer") }}
            ),
            (
                {{ array_of([0], "integer") }},
                {{ array_of([2], "integer") }},
                4,
                {{ array_of([none, 0, none, none], "integer") }}
            ),
            (
                {{ array_of([10, 20], "integer") }},
                {{ array_of([1, 2], "integer") }},
                2,
                {{ array_of([10, 20], "integer") }}
            )
    ),

    arranged as (
        select
            cases.expected,
            {{ array_by_ordinal("cases.elements", "cases.ordinals", "cases.length") }} as found
        from cases
    )

select arranged.expected
from arranged
where arranged.found is distinct from arranged.expected
