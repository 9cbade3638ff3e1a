{#-
    What: JSON that is taken for an object and is not one, or the reverse.
    When it matters: an unreadable hierarchy is taken for a course, or a course is missing.
    To resolve: check the engine's version of macros/portability/json_is_object.sql against these
    cases.
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
