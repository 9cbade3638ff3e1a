{#-
    `builds` remembers what dbt made of the marts, so that `exhaust export` refuses to read them
    while they are being replaced, or after a test of severity error failed. An invocation of dbt
    has a row `running`, if it replaces the marts, and one of how it ended, which counts more; the
    newest invocation counts. Rows are only added: not every engine can change them. `loaded_at` is
    the newest load that the marts are made from.

    `running` is written in the transaction that replaces course_progress: until then the marts of
    the last build are whole, and can be exported. The other marts that an export reads are built
    after it, and take seconds.
-#}
{% macro record_build_start() %}
    {%- if execute %}
        {%- set record = record_build("'running'", "null", load_of_build()) %}
        {{ statements(make_builds() + add_load_to_builds() + [record]) }}
    {%- endif %}
{% endmacro %}

{#- For on-run-end, where dbt would lose what follows a query: what became of the build. -#}
{% macro record_build_end(results) %}
    {%- if execute and flags.WHICH in ["build", "run", "test"] %}
        {%- set bad = ["error", "fail", "runtime error", "skipped", "partial success"] %}
        {%- set is_good = not results | selectattr("status", "in", bad) | list %}
        {%- set load_at_start %}
            (
                select min(builds.loaded_at)
                from {{ builds_table() }} as builds
                where builds.invocation_id = '{{ invocation_id }}'
            )
        {%- endset %}
        {{
            statements(
                make_builds() + [record_build(status_after(is_good), utc_now(), load_at_start)]
            )
        }}
    {%- endif %}
{% endmacro %}

{% macro make_builds() %}
    {%- set create_schema %}
        create schema if not exists {{ sql_identifier(target.schema, engine()) }}
    {% endset %}
    {%- set create_table %}
        create table if not exists {{ builds_table() }} (
            invocation_id {{ dbt.type_string() }},
            command {{ dbt.type_string() }},
            status {{ dbt.type_string() }},
            started_at timestamp,
            ended_at timestamp,
            loaded_at timestamp
        )
    {%- endset %}
    {{ return([create_schema, create_table]) }}
{% endmacro %}

{#- For a table of before this column; else nothing, as altering a table waits for exports. -#}
{% macro add_load_to_builds() %}
    {%- set builds = adapter.get_relation(target.database, target.schema, "builds") %}
    {%- set columns = adapter.get_columns_in_relation(builds) if builds else [] %}
    {%- if columns and "loaded_at" not in columns | map(attribute="name") %}
        {{ return(["alter table " ~ builds_table() ~ " add column loaded_at timestamp"]) }}
    {%- endif %}
    {{ return([]) }}
{% endmacro %}

{% macro record_build(status, ended_at, loaded_at) %}
    insert into {{ builds_table() }}
    select
        '{{ invocation_id }}',
        '{{ flags.WHICH }}',
    {{ status }},
    {{ run_start() }},
    {{ ended_at }},
    {{ loaded_at }}
{% endmacro %}

{#- Tests alone, or a run of a part of the project, cannot make a failed build good. -#}
{% macro status_after(is_good) %}
    {%- set args = invocation_args_dict %}
    {%- set is_part = (
        flags.WHICH == "test"
        or args.get("select")
        or args.get("exclude")
        or args.get("selector")
        or args.get("resource_types")
        or args.get("exclude_resource_types", []) | reject("equalto", "unit_test") | list
    ) %}
    {%- if is_good and is_part -%}
        coalesce(
            (
                select case when earlier.status = 'success' then 'success' else 'failed' end
                from {{ builds_table() }} as earlier
                where earlier.invocation_id <> '{{ invocation_id }}'
                order by earlier.started_at desc, earlier.ended_at desc nulls last
                limit 1
            ),
            'success'
        )
    {%- else -%} '{{ "success" if is_good else "failed" }}'
    {%- endif -%}
{% endmacro %}

{% macro run_start() %}
    timestamp '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}'
{% endmacro %}

{#- When the newest of the loaded tables was; null where something else than `exhaust load` did it. -#}
{% macro load_of_build() %}
    {%- set loads = adapter.get_relation(target.database, var("landing_schema"), "loads") %}
    {%- if loads -%}
        (
            select max(loads.loaded_at)
            from {{ loads }} as loads
            where loads.loaded_at <= {{ run_start() }}
        )
    {%- else -%} cast(null as timestamp)
    {%- endif -%}
{% endmacro %}

{% macro builds_table() %}
    {{- sql_identifier(target.schema, engine()) }}.{{ sql_identifier("builds", engine()) }}
{%- endmacro %}
