{#-
    What: JSON arrays that are read as the wrong texts. Anything but an array gives none.
    When it matters: a mentor of a batch is missing.
    To resolve: check the engine's version of macros/portability/json_texts.sql against these
    cases.
-#}
with
    cases(given, expected) as (
        values
            ('["u2","u1","u2"]', {{ array_of(["u2", "u1", "u2"]) }}),
            ({{ sql_literal('["say \\"u1\\", u2"]', engine()) }}, {{ array_of(['say "u1", u2']) }}),
            ('[7,null]', {{ array_of(["7", none]) }}),
            ('[1e2,true,"",[1],{"a":1}]', {{ array_of(["100", "true", "", none, none]) }}),
            ('[]', {{ array_of([]) }}),
            ('{}', {{ array_of([]) }}),
            ('{"0":"u1"}', {{ array_of([]) }}),
            ('"u1"', {{ array_of([]) }}),
            ('null', {{ array_of([]) }}),
            (null, {{ array_of([]) }})
    )

select cases.given
from cases
where {{ json_texts(parsed_json("cases.given")) }} is distinct from cases.expected
