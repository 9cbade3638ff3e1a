{#-
    What: a text that matches an expression it should not, or does not match one it should.
    When it matters: timestamps and numbers are read where there are none, or are missed.
    To resolve: compare the engine's body of macros/portability/regexp_matches.sql with these cases.
-#}
with
    cases(given, expected) as (
        values
            ('12', true), ('7', false), ('123', false), ('a12', false), ('12b', false), ('', false)
    )

select cases.given
from cases
where ({{ regexp_matches("cases.given", "^[0-9]{2}$") }}) <> cases.expected
