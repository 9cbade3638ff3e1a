{#-
    What: JSON objects in which a key has the wrong value, or a value although it is missing.
    When it matters: children of a unit, or boards of a user, are missing.
    To resolve: check the engine's version of macros/portability/json_member.sql against these
    cases.
-#}
with
    cases(given, expected) as (
        values
            ('{"board":{"id":"found"}}', 'found'),
            ('{"id":"root","board":{"id":"found"}}', 'found'),
            ('{"Board":{"id":"other case"}}', null),
            ('{"medium":{"board":{"id":"too deep"}}}', null),
            ('{"board":{"id":"first"},"board":{"id":"last"}}', 'last'),
            ('{"board":{"id":"first"},"id":"root","board":null}', null),
            ('{"board":null}', null),
            ('{}', null),
            ('[{"board":{"id":"in an array"}}]', null),
            ('"board"', null),
            ('null', null),
            (null, null)
    )

select cases.given
from cases
where
    {{ json_text(json_member(parsed_json("cases.given"), "board"), "id") }}
    is distinct from cases.expected
