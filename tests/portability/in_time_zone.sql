{#-
    What: UTC timestamps whose local time is wrong.
    When it matters: dates in the report are a day early or late.
    To resolve: check the engine's version of macros/portability/in_time_zone.sql against these
    cases.
-#}
with
    cases(given, expected) as (
        values
            (timestamp '2020-01-01 18:29:59.999999', timestamp '2020-01-01 23:59:59.999999'),
            (timestamp '2020-01-01 18:30:00', timestamp '2020-01-02 00:00:00'),
            -- India's clock was an hour ahead of today's in these years of war.
            (timestamp '1943-01-01 17:30:00', timestamp '1943-01-02 00:00:00')
    )

select cases.given
from cases
where {{ in_time_zone("cases.given", "Asia/Kolkata") }} <> cases.expected
