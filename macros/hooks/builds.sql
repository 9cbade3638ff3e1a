{#-
    What builds made, so that `exhaust export` can say it, and refuse what is not whole.

    `built_marts` has a row per replacement of a mart, written in the transaction that replaces it:
    which invocation of dbt did it, and where the mart is. `builds` has a row per invocation that
    ended: from which loads, variables and models it built, and its status, which is

    - `success`: every model and every test of severity error ran and passed, on all of the data;
    - `partial`: what ran has passed, but not everything ran, or not on all of the data;
    - `failed`: a model or a test of severity error failed.

    Marts can be exported if all of them are from one invocation whose status is `success`. Rows
    are only ever added, because not every engine can change them.

    In another project, only invocations that select something of ours are recorded. The variable
    `record_builds` switches the hooks off: then the command has no marts to export.
-#}
{% macro start_build() %}
    {%- if not concerns_us() %} {{ return("") }} {%- endif %}
    {%- if not var("record_builds") %}
        {{ return(statements(forget_marts() + make_reader_functions())) }}
    {%- endif %}
    {%- do check_variables() %}
    {%- if flags.WHICH != "test" %}
        {%- do check_landing() %} {%- do claim_lease() %} {%- do check_loads_are_earlier() %}
    {%- endif %}
    {{ statements(make_builds() + make_reader_functions()) }}
{% endmacro %}

{#- Whether an invocation builds or tests something of ours. -#}
{% macro concerns_us() %}
    {%- if execute and flags.WHICH in commands_that_build() + ["test"] %}
        {%- for id in selected_resources if id.split(".")[1] == "exhaust" %}
            {{ return(true) }}
        {%- endfor %}
    {%- endif %}
    {{ return(false) }}
{% endmacro %}

{% macro commands_that_build() %} {{ return(["build", "run", "seed", "retry"]) }} {% endmacro %}

{#- Marts that are about to be replaced without a record must not keep that of an earlier build. -#}
{% macro forget_marts() %}
    {%- set is_recorded = columns_in(target.schema, "built_marts") and flags.WHICH != "test" %}
    {{ return(["drop table " ~ table_of_target("built_marts")] if is_recorded else []) }}
{% endmacro %}

{#- The record of a mart, for a hook after it. -#}
{% macro record_mart(mart) %}
    {%- if var("record_builds") %}
    insert into {{ table_of_target("built_marts") }}
    select
        '{{ invocation_id }}',
        {{ sql_literal(model.name, engine()) }},
        {{ sql_literal(mart.database, engine()) }},
        {{ sql_literal(mart.schema, engine()) }},
        {{ sql_literal(mart.identifier, engine()) }},
        {{ run_start() }},
        {{ utc_now() }}
    {%- endif %}
{% endmacro %}

{#- Records the result of a build. For on-run-end: there, dbt drops everything after a query. -#}
{% macro record_build(results) %}
    {%- if concerns_us() and var("record_builds") %}
        {%- set missing = what_is_missing(results) %}
        {%- set status = "failed" if has_failed(results) else "partial" if missing else "success" %}
        {%- set loads = loads_of_build() %}
        {%- set row %}
            insert into {{ table_of_target("builds") }} ({{ build_columns() | join(", ") }})
            select
                '{{ invocation_id }}',
                '{{ flags.WHICH }}',
                '{{ status }}',
                {{ run_start() }},
                {{ utc_now() }},
                {{ sql_timestamp(loads | map(attribute="loaded_at") | max) }},
                {{ sql_timestamp(loads | map(attribute="loaded_at") | min) }},
                {{ sql_timestamp(loads | map(attribute="newest_at") | select | max) }},
                {{ sql_literal(tojson(loads), engine()) }},
                {{ sql_literal(tojson(variables_of_build(), sort_keys=true), engine()) }},
                {{ sql_literal(missing or none, engine()) }},
                {{ sql_literal(project_version(), engine()) }},
                {{ marts_contract() }},
                '{{ models_hash() }}',
                {{ needed_nodes("test") | length }}
        {%- endset %}
        {{ statements([row] + release_lease()) }}
    {%- endif %}
{% endmacro %}

{#- The columns of `builds`, with their types. Those from `oldest_loaded_at` on are later ones. -#}
{% macro build_columns() %}
    {{
        return(
            {
                "invocation_id": dbt.type_string(),
                "command": dbt.type_string(),
                "status": dbt.type_string(),
                "started_at": "timestamp",
                "ended_at": "timestamp",
                "loaded_at": "timestamp",
                "oldest_loaded_at": "timestamp",
                "newest_activity_at": "timestamp",
                "loads": dbt.type_string(),
                "variables": dbt.type_string(),
                "missing": dbt.type_string(),
                "exhaust_version": dbt.type_string(),
                "contract": "integer",
                "models_hash": dbt.type_string(),
                "needed_tests": "integer",
            }
        )
    }}
{% endmacro %}

{% macro make_builds() %}
    {%- set mart_columns = {
        "invocation_id": dbt.type_string(),
        "mart": dbt.type_string(),
        "database_name": dbt.type_string(),
        "schema_name": dbt.type_string(),
        "table_name": dbt.type_string(),
        "started_at": "timestamp",
        "replaced_at": "timestamp",
    } %}
    {{
        return(
            make_target_schema()
            + make_table("builds", build_columns())
            + make_table("built_marts", mart_columns)
        )
    }}
{% endmacro %}

{#- The loads that a build reads: of each table the newest before it started. -#}
{% macro loads_of_build() %}
    {%- set columns = columns_in(landing_schema(), "loads") %}
    {%- if var("sample", false) or not columns %} {{ return([]) }} {%- endif %}
    {%- set query %}
        select
            loads.table_name,
            loads.row_count,
            loads.loaded_at,
            {{ "loads.newest_at" if "newest_at" in columns else "cast(null as timestamp)" }}
        from {{ table_in(landing_schema(), "loads") }} as loads
        where loads.loaded_at <= {{ run_start() }} and loads.table_name is not null
        order by loads.loaded_at
    {%- endset %}
    {%- set newest = {} %}
    {%- for table, rows, loaded_at, newest_at in run_query(query).rows %}
        {%- do newest.update(
            {
                table: {
                    "table": table,
                    "rows": rows | int,
                    "loaded_at": iso_time(loaded_at),
                    "newest_at": iso_time(newest_at),
                }
            }
        ) %}
    {%- endfor %}
    {{ return(newest.values() | sort(attribute="table")) }}
{% endmacro %}

{% macro iso_time(timestamp) %}
    {{ return(timestamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if timestamp else none) }}
{% endmacro %}

{#- A timestamp of `iso_time` as SQL. -#}
{% macro sql_timestamp(text) %}
    {{
        return(
            "timestamp '" ~ text[:26] | replace("T", " ") ~ "'"
            if text
            else "cast(null as timestamp)"
        )
    }}
{% endmacro %}

{% macro run_start() %}
    timestamp '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}'
{% endmacro %}
