{#-
    What: JSON strings, numbers or booleans that become the wrong text, or other values that become
    a text.
    When it matters: names, IDs and codes are wrong or differ between engines.
    To resolve: check the engine's version of macros/portability/json_scalar_text.sql against these
    cases.
-#}
with
    cases(given, expected) as (
        values
            ('"text"', 'text'),
            ('""', ''),
            ('"2.50"', '2.50'),
            ('true', 'true'),
            ('false', 'false'),
            ('null', null),
            ('[1]', null),
            ('{"a":1}', null),
            ('33291500301', '33291500301'),
            ('33291500301.0', '33291500301'),
            ('3.3291500301e10', '33291500301'),
            ('0', '0'),
            ('-0', '0'),
            ('-0.0', '0'),
            ('-7', '-7'),
            ('2.50', '2.5'),
            ('1e2', '100'),
            ('20e-1', '2'),
            ('0.0000005', '0.000001'),
            ('0.00000049', '0'),
            ('-0.0000001', '0'),
            ('1e-400', '0'),
            ('123456789012345678', '123456789012345678'),
            ('-123456789012345678', '-123456789012345678'),
            ('1234567890123456789', null),
            ('1e17', '100000000000000000'),
            ('1e18', null),
            ('999999999999.5', '999999999999.5'),
            ('1000000000000.5', null),
            ('1e400', null),
            ('-1e99999', null),
            ('1e-99999', '0'),
            (null, null)
    )

select cases.given
from cases
where {{ json_scalar_text(parsed_json("cases.given")) }} is distinct from cases.expected
