{#-
    What: a clock that is ten minutes from UTC's, as dbt's own machine has it.
    When it matters: a build seems to be older or newer than a load.
    To resolve: compare the engine's body of macros/portability/utc_now.sql; on Spark, the session's
    time zone has to be UTC.
-#}
{%- set now = modules.datetime.datetime.now(modules.pytz.utc).strftime("%Y-%m-%d %H:%M:%S") -%}
with times as (select {{ utc_now() }} as engines, timestamp '{{ now }}' as dbts)

select times.engines, times.dbts
from times
where
    times.engines < times.dbts - interval '10' minute
    or times.engines > times.dbts + interval '10' minute
