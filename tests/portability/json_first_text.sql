{#-
    What: JSON whose first element is read wrongly, or is read although the JSON is not an array.
    When it matters: the declared board is wrong or differs between engines.
    To resolve: check the engine's version of macros/portability/json_first_text.sql against these
    cases.
-#}
with
    cases(given, expected) as (
        values
            ('["State (Tamil Nadu)"]', 'State (Tamil Nadu)'),
            ('["CBSE","ICSE"]', 'CBSE'),
            ({{ sql_literal('["say \\"board\\", तमिल"]', engine()) }}, 'say "board", तमिल'),
            ('[7]', null),
            ('[["CBSE"]]', null),
            ('[{"name":"CBSE"}]', null),
            ('[null,"CBSE"]', null),
            ('["","CBSE"]', null),
            ('[]', null),
            ('{}', null),
            ('{"0":"CBSE"}', null),
            ('"CBSE"', null),
            ('7', null),
            ('null', null),
            (null, null)
    )

select cases.given
from cases
where {{ json_first_text(parsed_json("cases.given")) }} is distinct from cases.expected
