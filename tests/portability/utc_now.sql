{#-
    What: a clock that is more than ten minutes away from UTC on the machine that runs dbt.
    When it matters: a build seems older or newer than a load.
    To resolve: check the engine's version of macros/portability/utc_now.sql. On Spark, the time
    zone of the session must be UTC.
-#}
{%- set now = modules.datetime.datetime.now(modules.pytz.utc).strftime("%Y-%m-%d %H:%M:%S") -%}
with times as (select {{ utc_now() }} as engines, timestamp '{{ now }}' as dbts)

select times.engines, times.dbts
from times
where
    times.engines < times.dbts - interval '10' minute
    or times.engines > times.dbts + interval '10' minute
