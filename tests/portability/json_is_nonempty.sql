{#-
    What: JSON that is said to hold something and does not, or the other way round.
    When it matters: a certificate is reported that was not issued, or one is missing.
    To resolve: compare the engine's body of macros/portability/json_is_nonempty.sql with these cases.
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
