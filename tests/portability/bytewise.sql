{#-
    What: texts that are not sorted bytewise.
    When it matters: engines differ in which of several rows counts, and in the order of the file.
    To resolve: check sql_bytewise in macros/report/sql_text.sql against these cases.
-#}
with
    cases(expected, given) as (
        values
            (1, ''),
            (2, ' a'),
            (3, '-b'),
            (4, '10'),
            (5, '9'),
            (6, 'B'),
            (7, 'Z'),
            (8, '_'),
            (9, 'a'),
            (10, 'a b'),
            (11, 'ab'),
            (12, 'b'),
            (13, 'é'),
            (14, 'आ'),
            (15, 'ｂ'),
            (16, '😀')
    ),

    ordered as (
        select
            cases.given,
            cases.expected,
            row_number() over (order by {{ bytewise("cases.given") }}) as found
        from cases
    ),

    least_and_greatest as (
        select
            min({{ bytewise("cases.given") }}) as least,
            max({{ bytewise("cases.given") }}) as greatest
        from cases
        where cases.expected > 4
    )

select ordered.given
from ordered
where ordered.found <> ordered.expected
union all
select least_and_greatest.least
from least_and_greatest
where least_and_greatest.least <> '9' or least_and_greatest.greatest <> '😀'
{% if engine() == "postgres" %}
    -- A database that is ordered by bytes anyway would not show that the collation is missing.
    union all
    select cases.given
    from cases
    where pg_collation_for({{ bytewise("cases.given") }}) <> '"C"'
{% endif %}
