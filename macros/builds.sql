{#-
    `builds` remembers what dbt made of the marts, so that `exhaust export` refuses to read them
    while they are being replaced, or after a test of severity error failed. A run of a part of the
    project cannot make a failed build good.
-#}
{% macro record_build_start() %}
    {%- if execute and flags.WHICH in ["build", "run"] %}
        create schema if not exists {{ builds_schema() }};
        create table if not exists {{ builds_table() }} (
            invocation_id text,
            command text,
            status text,
            started_at timestamp,
            ended_at timestamp
        );
        insert into {{ builds_table() }}
        values ('{{ invocation_id }}', '{{ flags.WHICH }}', 'running', {{ utc_now() }}, null);
    {%- endif %}
{% endmacro %}

{#- `dbt test` has no start to record: it changes no mart. -#}
{% macro record_build_end(results) %}
    {%- if execute and flags.WHICH in ["build", "run", "test"] %}
        {%- set bad = ["error", "fail", "runtime error", "skipped", "partial success"] %}
        {%- set status = (
            "failed" if results | selectattr("status", "in", bad) | list else "success"
        ) %}
        {%- set table_is_there = (
            adapter.get_relation(target.database, target.schema, "builds") is not none
        ) %}
        {%- if flags.WHICH == "test" and table_is_there %}
            insert into {{ builds_table() }}
            select '{{ invocation_id }}', 'test', {{ status_after(status) }}, {{ utc_now() }}, {{ utc_now() }};
        {%- elif flags.WHICH != "test" %}
            update {{ builds_table() }}
            set status = {{ status_after(status) }}, ended_at = {{ utc_now() }}
            where invocation_id = '{{ invocation_id }}';
        {%- endif %}
    {%- endif %}
{% endmacro %}

{% macro status_after(status) %}
    {%- set args = invocation_args_dict %}
    {%- set is_part = (
        args.get("select")
        or args.get("exclude")
        or args.get("selector")
        or args.get("resource_types")
        or args.get("exclude_resource_types", []) | reject("equalto", "unit_test") | list
    ) %}
    {%- if status == "success" and is_part -%}
        coalesce(
            (
                select case when earlier.status = 'success' then 'success' else 'failed' end
                from {{ builds_table() }} as earlier
                where earlier.invocation_id <> '{{ invocation_id }}'
                order by earlier.started_at desc
                limit 1
            ),
            'success'
        )
    {%- else -%} '{{ status }}'
    {%- endif -%}
{% endmacro %}

{% macro builds_schema() %} {{ sql_identifier(target.schema) }}{% endmacro %}

{% macro builds_table() %} {{ builds_schema() }}.{{ sql_identifier("builds") }}{% endmacro %}

{% macro utc_now() %} now() at time zone 'UTC'{% endmacro %}
