{#-
    What: JSON that is taken for an object and is none, or the other way round.
    When it matters: a hierarchy that cannot be read is taken for a course, or a course is missing.
    To resolve: compare the engine's body of macros/portability/json_is_object.sql with these cases.
-#}
with
    cases(given, expected) as (
        values
            ('{}', true),
            ('{"name":"Course"}', true),
            ('[]', false),
            ('[{}]', false),
            ('"{}"', false),
            ('7', false),
            ('null', false),
            (null, null)
    )

select cases.given
from cases
where {{ json_is_object(parsed_json("cases.given")) }} is distinct from cases.expected
