{#-
    What: timestamps that move by the wrong number of minutes, or lose their microseconds.
    When it matters: dates that are written with an offset from UTC are wrong.
    To resolve: check the engine's version of macros/portability/minutes_earlier.sql against these
    cases.
-#}
with
    cases(given, minutes, expected) as (
        values
            (timestamp '2020-01-01 05:29:59.123456', 330, timestamp '2019-12-31 23:59:59.123456'),
            (timestamp '2020-02-28 23:00:00', -60, timestamp '2020-02-29 00:00:00'),
            (timestamp '2020-01-01 00:00:00', 0, timestamp '2020-01-01 00:00:00'),
            (cast(null as timestamp), 60, cast(null as timestamp))
    )

select cases.given, cases.minutes
from cases
where {{ minutes_earlier("cases.given", "cases.minutes") }} is distinct from cases.expected
