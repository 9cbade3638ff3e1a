{#-
    What: a recursive query that ends too early.
    When it matters: contents of large States, or of deep courses, are missing.
    To resolve: on Spark, copy the limits of recursion from profiles.example.yml.
-#}
with recursive
    branches(branch) as (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)),

    wide as (
        select 0 as depth
        union all
        select wide.depth + 1
        from wide
        cross join branches
        where wide.depth < 6
    ),

    deep as (
        select 1 as depth
        union all
        select deep.depth + 1
        from deep
        where deep.depth < 150
    ),

    counted as (
        select 1111111 as expected, count(*) as found
        from wide
        union all
        select 150, max(deep.depth)
        from deep
    )

select counted.expected, counted.found
from counted
where counted.found <> counted.expected
