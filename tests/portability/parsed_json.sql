{#-
    What: JSON that is refused, or other text that is taken for JSON.
    When it matters: always, one malformed text fails a build, or a good one counts as absent.
    To resolve: compare the engine's body of macros/portability/parsed_json.sql with these cases.
-#}
with
    cases(given, is_json) as (
        values
            ('{}', true),
            ('[]', true),
            (' {"a" : [1, 2.5e3, "b", null, true]} ', true),
            ({{ sql_literal('{"a":"say \\"b\\"\\n\\u0915 தமிழ்"}', engine()) }}, true),
            ('"text"', true),
            ('7', true),
            ('null', true),
            ('', false),
            (' ', false),
            ('text', false),
            ('{"a":', false),
            ('{"a":1}}', false),
            ('{a:1}', false),
            ('[''a'']', false),
            ('{"a" 1}', false),
            (null, false)
    )

select cases.given
from cases
where ({{ parsed_json("cases.given") }} is not null) <> cases.is_json
