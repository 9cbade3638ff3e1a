{#-
    What: texts that are read as another number, or as a number although they are not one.
    When it matters: a score, or the number of contents of a course, is wrong or differs between
    engines.
    To resolve: check the engine's version of macros/portability/decimal_number.sql against these
    cases.
-#}
with
    cases(given, expected) as (
        values
            ('20', 20.0),
            ('20.0', 20.0),
            ('1.0E1', 10.0),
            ('1e+01', 10.0),
            ('25e-1', 2.5),
            ('+7', 7.0),
            ('-2.5', -2.5),
            ('-0', 0.0),
            ('1.', 1.0),
            ('.5', 0.5),
            ('000000000000000000000000000000000000000000001', 1.0),
            -- Halves go away from zero.
            ('0.0000005', 0.000001),
            ('-0.0000005', -0.000001),
            ('5E-7', 0.000001),
            ('-5E-7', -0.000001),
            ('0.00000049999999999999999999999999', 0.0),
            ('4.9E-7', 0.0),
            ('2.5000005', 2.500001),
            ('1234567890.1234565', 1234567890.123457),
            -- Below 10^12.
            ('999999999999.999999', 999999999999.999999),
            ('-999999999999.999999', -999999999999.999999),
            ('9999999999999999e-4', 999999999999.9999),
            ('1e11', 100000000000.0),
            ('1000000000000', null),
            ('-1000000000000', null),
            ('1e12', null),
            ('999999999999.9999995', null),
            ('8540712549.65e+3', null),
            ('1e400', null),
            ('1e99999999999', null),
            ('1e-400', 0.0),
            ('0e99', 0.0),
            -- More digits than a decimal of the engine holds.
            ('123456789012345678901e-19', 12.345679),
            ('4.99999999999999999999e-7', 0.0),
            -- No numbers.
            ('NaN', null),
            ('Infinity', null),
            ('-inf', null),
            ('ten', null),
            ('1,000', null),
            ('1_000', null),
            ('0x10', null),
            ('1e', null),
            ('e1', null),
            ('.', null),
            ('--1', null),
            (' 5', null),
            ('5 ', null),
            ('', null),
            (null, null)
    )

select cases.given
from cases
where {{ decimal_number("cases.given") }} is distinct from cases.expected
