{#-
    What: arrays with other values than they were made of.
    When it matters: unit tests, and the tests of other macros, compare the wrong values.
    To resolve: check the engine's version of macros/portability/array_of.sql against these cases.
-#}
with
    cases(found, elements) as (
        values
            ({{ array_of(["it's", "a\\b", none]) }}, 3),
            ({{ array_of([]) }}, 0),
            ({{ array_of(none) }}, 0)
    ),

    elements as (select cases.elements, {{ array_elements("cases.found") }} as element from cases)

select elements.element
from elements
where
    elements.element
    not in ({{ sql_literal("it's", engine()) }}, {{ sql_literal("a\\b", engine()) }})
union all
select cast(count(*) as {{ dbt.type_string() }})
from elements
having count(*) <> 3
