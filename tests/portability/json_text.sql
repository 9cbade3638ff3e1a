{#-
    What: JSON objects in which a key has the wrong text, or a text although it is missing.
    When it matters: names, IDs and marks are wrong or differ between engines.
    To resolve: check the engine's version of macros/portability/json_text.sql against these cases.
-#}
with
    cases(given, expected) as (
        values
            ('{"name":"Course"}', 'Course'),
            ('{"name":" trimmed by nobody "}', ' trimmed by nobody '),
            (
                {{ sql_literal('{"name":"say \\"a\\\\b\\"\\nகல்வி"}', engine()) }},
                {{ sql_literal('say "a\\b"', engine()) }} || chr(10) || 'கல்வி'
            ),
            ({{ sql_literal('{"name":"\\u0915"}', engine()) }}, 'क'),
            ('{"name":"null"}', 'null'),
            ('{"name":3}', '3'),
            ('{"name":33291500301.0}', '33291500301'),
            ('{"name":"first","name":"last"}', 'last'),
            ('{"name":"first","name":null}', null),
            ({{ sql_literal('{"name":"first","\\u006eame":"last"}', engine()) }}, 'last'),
            ('{"inner":{"name":"inner"},"name":"outer","other":{"name":"other"}}', 'outer'),
            ('{"name":true}', 'true'),
            ('{"Name":"other case"}', null),
            ('{"name":""}', null),
            ('{"name":["z"]}', null),
            ('{"name":{"a":1}}', null),
            ('{"name":null}', null),
            ('{}', null),
            ('[{"name":"in an array"}]', null),
            ('["name"]', null),
            ('"name"', null),
            ('null', null),
            (null, null)
    ),

    deep_cases(given, expected) as (
        values
            ('{"relationalMetadata":{"optional":true}}', 'true'),
            ('{"relationalMetadata":{"optional":"TRUE"}}', 'TRUE'),
            ('{"relationalMetadata":{"optional":null}}', null),
            ('{"relationalMetadata":{}}', null),
            ('{"relationalMetadata":true}', null),
            ('{"relationalMetadata":{"optional":false,"optional":true}}', 'true'),
            (
                '{"relationalMetadata":{"optional":true},"relationalMetadata":{"optional":false}}',
                'false'
            ),
            ('{"optional":true}', null)
    )

select cases.given
from cases
where {{ json_text(parsed_json("cases.given"), "name") }} is distinct from cases.expected
union all
select deep_cases.given
from deep_cases
where
    {{ json_text(parsed_json("deep_cases.given"), ["relationalMetadata", "optional"]) }}
    is distinct from deep_cases.expected
