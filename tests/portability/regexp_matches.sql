{#-
    What: texts that match an expression although they should not, or the reverse.
    When it matters: texts that are not timestamps or numbers are read as such, or some that are
    get lost.
    To resolve: check the engine's version of macros/portability/regexp_matches.sql against these
    cases.
-#}
with
    cases(given, expected) as (
        values
            ('12', true), ('7', false), ('123', false), ('a12', false), ('12b', false), ('', false)
    )

select cases.given
from cases
where ({{ regexp_matches("cases.given", "^[0-9]{2}$") }}) <> cases.expected
