{#-
    What: elements of arrays that are not at their positions, or are missing.
    When it matters: the summary counts a score under another assessment.
    To resolve: check the engine's version of macros/portability/array_entries.sql against these
    cases.
-#}
with
    cases(case_id, elements) as (
        values
            (1, {{ array_of([30, none, 10], "integer") }}),
            (2, {{ array_of([], "integer") }}),
            (3, {{ array_of(none, "integer") }}),
            (4, {{ array_of([7], "integer") }})
    ),

    expected(case_id, position, element) as (
        values (1, 1, 30), (1, 2, null), (1, 3, 10), (4, 1, 7)
    ),

    entries as (select cases.case_id, {{ array_entries("cases.elements") }} from cases)

select expected.case_id as expected_case, entries.case_id as found_case
from expected
full outer join
    entries on expected.case_id = entries.case_id and expected.position = entries.position
where
    expected.case_id is null
    or entries.case_id is null
    or expected.element is distinct from entries.element
