{#-
    What: elements that are not those at the position.
    When it matters: the summary counts the score of another assessment, or one that is missing.
    To resolve: check the engine's version of macros/portability/array_element.sql against these
    cases.
-#}
with
    cases(elements, ordinal, expected) as (
        values
            ({{ array_of([30, none, 10], "integer") }}, 1, 30),
            ({{ array_of([30, none, 10], "integer") }}, 2, null),
            ({{ array_of([30, none, 10], "integer") }}, 3, 10),
            ({{ array_of([30, none, 10], "integer") }}, 4, null),
            ({{ array_of(none, "integer") }}, 1, null)
    )

select cases.ordinal
from cases
where {{ array_element("cases.elements", "cases.ordinal") }} is distinct from cases.expected
