{# A table, because it is read twice and the planner has to know how few keys there are. #}
{{ config(materialized="table", post_hook="{{ gather_statistics(this) }}") }}

with duplicates as ({{ duplicate_keys("user_enrolments", raw_tables().user_enrolments.key) }})

select *
from duplicates
