{#-
    `builds` records the builds of the marts, so that `exhaust export` can refuse to read them
    while they are being replaced, or after a test of severity error has failed.

    An invocation of dbt that replaces the marts adds a row `running`. When it ends, it adds a row
    with its result, which takes precedence. The newest invocation counts. Rows are only ever
    added, because not every engine can change them. `loaded_at` is the newest load from which the
    marts were built.

    `running` is written in the transaction that replaces course_progress. Until then, the marts of
    the previous build are complete and can be exported. The other marts that an export reads are
    built afterwards, which takes seconds.
-#}
{% macro record_build_start() %}
    {%- if execute %}
        {%- set record = record_build("'running'", "null", load_of_build()) %}
        {{ statements(make_builds() + add_load_to_builds() + [record]) }}
    {%- endif %}
{% endmacro %}

{#- Records the result of the build. For on-run-end: there, dbt drops everything after a query. -#}
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

{#-
    Adds `loaded_at` to a table from before that column existed. Any other table is left alone,
    because altering it would wait for exports.
-#}
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

{#- A test run, or a run of part of the project, cannot make a failed build good. -#}
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

{#-
    The time of the newest load before this run; null if the tables were not loaded by `exhaust
    load`.
-#}
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
