{#-
    What: a clock that is not UTC's; it is compared with dbt's own.
    When it matters: a build seems to be older or newer than a load.
    To resolve: compare the engine's body of macros/portability/utc_now.sql; on Spark, the session's
    time zone has to be UTC.
-#}
with times as (select {{ utc_now() }} as engines, {{ run_start() }} as dbts)

select times.engines, times.dbts
from times
where
    times.engines < times.dbts - interval '10' minute
    or times.engines > times.dbts + interval '1' day
