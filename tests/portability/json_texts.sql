{#-
    What: JSON arrays that are read as other texts; anything else is read as none.
    When it matters: a mentor of a batch is missing.
    To resolve: compare the engine's body of macros/portability/json_texts.sql with these cases.
-#}
with
    cases(given, expected) as (
        values
            ('["u2","u1","u2"]', array['u2', 'u1', 'u2']),
            ('["say \"u1\", u2"]', array['say "u1", u2']),
            ('[7,null]', array['7', null]),
            ('[]', cast(array[] as text[])),
            ('{}', cast(array[] as text[])),
            ('{"0":"u1"}', cast(array[] as text[])),
            ('"u1"', cast(array[] as text[])),
            ('null', cast(array[] as text[])),
            (null, cast(array[] as text[]))
    )

select cases.given
from cases
where {{ json_texts(parsed_json("cases.given")) }} is distinct from cases.expected
