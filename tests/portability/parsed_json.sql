{#-
    What: JSON that is refused, or other text that is taken for JSON.
    When it matters: always. One malformed text fails a build, or a good one is treated as missing.
    To resolve: check the engine's version of macros/portability/parsed_json.sql against these
    cases.
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
            ('{"a":NaN}', false),
            ('[-Infinity]', false),
            ('[1,]', false),
            ('{"a":1 , }', false),
            ('{"a":"NaN, [1,]"}', true),
            ('{"a":[1],"b":{} }', true),
            ({{ sql_literal('{"a":"\\u0000"}', engine()) }}, false),
            ({{ sql_literal('{"a":"\\\\u0000"}', engine()) }}, true),
            ({{ sql_literal('["\\ud83d"]', engine()) }}, false),
            ({{ sql_literal('["\\ud83d\\ude00"]', engine()) }}, true),
            ('[01]', false),
            ('[1.]', false),
            ('[1e400,1e-99999,1e99999]', true),
            ('1,"end of json"],[2', false),
            ('[' || repeat('7', 1000) || ']', true),
            ('[' || repeat('7', 1001) || ']', false),
            ('["' || repeat('7', 1001) || '"]', true),
            (repeat('[', 1000) || repeat(']', 1000), true),
            (repeat('[', 1001) || repeat(']', 1001), false),
            (repeat('[', 20000) || repeat(']', 20000), false),
            (repeat('{"a":', 1000) || '"[{"' || repeat('}', 1000), true),
            (repeat('{"a":', 1001) || '"[{"' || repeat('}', 1001), false),
            ('[' || repeat('[],', 20000) || '[]]', true),
            (null, false)
    )

select cases.given
from cases
where ({{ parsed_json("cases.given") }} is not null) <> cases.is_json
