{#-
    Refuses to build from the raw tables of another target, which would publish a neighbour's data,
    and to build the sample in place of what was loaded.
-#}
{% macro check_landing() %}
    {%- set loads = columns_in(landing_schema(), "loads") %}
    {%- if loads and var("sample", false) %}
        {{
            exceptions.raise_compiler_error(
                "The target "
                ~ target.name
                ~ " has loaded data in the schema "
                ~ landing_schema()
                ~ ". The sample would replace its marts. Build the sample for another target."
            )
        }}
    {%- endif %}
    {%- set owner = owner_of_landing() if "owner" in loads %}
    {%- if owner and owner != target.schema and target.name not in var("landing_schemas", {}) %}
        {{
            exceptions.raise_compiler_error(
                "The raw tables in the schema "
                ~ landing_schema()
                ~ " were loaded for the target with the schema "
                ~ owner
                ~ ", not for "
                ~ target.name
                ~ " with the schema "
                ~ target.schema
                ~ ". Give this target its own landing schema: under `vars:` in dbt_project.yml,"
                ~ "\n  landing_schemas:"
                ~ "\n    "
                ~ target.name
                ~ ": "
                ~ landing_schema()
                ~ "_"
                ~ target.name
            )
        }}
    {%- endif %}
{% endmacro %}

{#- The schema of the target that the raw tables were loaded for; none if that is not known. -#}
{% macro owner_of_landing() %}
    {%- set newest %}
        select loads.owner
        from {{ table_in(landing_schema(), "loads") }} as loads
        order by loads.loaded_at desc
        limit 1
    {%- endset %}
    {%- set rows = run_query(newest).rows %}
    {{ return(rows[0][0] if rows else none) }}
{% endmacro %}

{#-
    Refuses data that was loaded after dbt had started: it has by then read which tables exist, and
    the record of the build names the loads before its start. Asked when the lease is held, so that
    no later load of this target can come in between.
-#}
{% macro check_loads_are_earlier() %}
    {%- set loaded_at = load_since_start() %}
    {%- if loaded_at %}
        {%- for release in release_lease() %} {%- do run_query(release) %} {%- endfor %}
        {{
            exceptions.raise_compiler_error(
                "Data was loaded at "
                ~ iso_minute(loaded_at)
                ~ ", after dbt had started at "
                ~ iso_minute(run_started_at)
                ~ ". Run it again. If that does not help, the clock of a machine was wrong: correct it,"
                ~ " delete the rows of "
                ~ table_in(landing_schema(), "loads")
                ~ " that are later than now, and load again."
            )
        }}
    {%- endif %}
{% endmacro %}

{#- The time of the newest load since dbt started; none if there is none. -#}
{% macro load_since_start() %}
    {%- if not columns_in(landing_schema(), "loads") %} {{ return(none) }} {%- endif %}
    {%- set query %}
        select max(loads.loaded_at)
        from {{ table_in(landing_schema(), "loads") }} as loads
        where loads.loaded_at > {{ run_start() }}
    {%- endset %}
    {{ return(run_query(query).rows[0][0]) }}
{% endmacro %}
