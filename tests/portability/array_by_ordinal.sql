{#-
    What: elements that do not come to stand at their ordinals.
    When it matters: a learner's score stands under another assessment.
    To resolve: compare the engine's body of macros/portability/array_by_ordinal.sql with these cases.
-#}
with
    cases(elements, ordinals, length, expected) as (
        values
            (array[30, 10], array[3, 1], 3, array[10, null, 30]),
            (array[0], array[2], 4, array[null, 0, null, null]),
            (array[10, 20], array[1, 2], 2, array[10, 20])
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
