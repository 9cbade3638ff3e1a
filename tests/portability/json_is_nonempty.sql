{#-
    What: JSON that seems to have elements and does not, or the reverse.
    When it matters: the report shows a certificate that was not issued, or misses one.
    To resolve: check the engine's version of macros/portability/json_is_nonempty.sql against these
    cases.
-#}
with
    cases(given, expected) as (
        values
            ('[{"name":"Merit"}]', true),
            ('{"name":"Merit"}', true),
            ('[[]]', true),
            ('{"":null}', true),
            ('[]', false),
            ('[ ]', false),
            ('{}', false),
            ('{ }', false),
            ('"Merit"', false),
            ('7', false),
            ('true', false),
            ('null', false),
            (null, false)
    )

select cases.given
from cases
where {{ json_is_nonempty(parsed_json("cases.given")) }} is distinct from cases.expected
