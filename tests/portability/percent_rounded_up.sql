{#-
    What: shares that are not the whole percentage, rounded up exactly.
    When it matters: a score is off by one or differs between engines.
    To resolve: check the engine's version of macros/portability/percent_rounded_up.sql against
    these cases.
-#}
with
    literals(score, maximum, expected) as (
        values
            ('0', '10', '0'),
            ('5', '10', '50'),
            ('7', '15', '47'),
            ('14', '25', '56'),
            ('7', '100', '7'),
            ('21', '40', '53'),
            ('1', '3', '34'),
            ('2', '3', '67'),
            ('10', '10', '100'),
            ('12', '10', '120'),
            ('0.1', '0.3', '34'),
            ('1.1', '2.2', '50'),
            ('0.29', '1', '29'),
            ('0.290001', '1', '30'),
            ('99999', '99999', '100'),
            ('99999.000001', '3', '3333301'),
            ('3', '99999.999999', '1'),
            ('100000', '3', '3333334'),
            ('3', '100000', '1'),
            ('0.000001', '999999999999.999999', '1'),
            ('999999999999.999998', '999999999999.999999', '100'),
            ('999999999999.999999', '0.000001', '99999999999999999900')
    ),

    cases as (
        select
            cast(literals.score as decimal(18, 6)) as score,
            cast(literals.maximum as decimal(18, 6)) as maximum,
            cast(literals.expected as decimal(38, 0)) as expected
        from literals
    )

select cases.score, cases.maximum
from cases
where {{ percent_rounded_up("cases.score", "cases.maximum") }} is distinct from cases.expected
