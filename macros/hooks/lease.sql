{#-
    One builder at a time for each target. `exhaust load` and `exhaust build` hold the lease
    themselves, and tell dbt so in EXHAUST_LEASE; for plain dbt, these hooks do.
    Why: on Postgres, nothing else stops two builds from replacing each other's tables. A DuckDB
    file and the Derby metastore of Spark can be held by one process only.
-#}
{% macro claim_lease() %}
    {%- if not env_var("EXHAUST_LEASE", "") %}
        {%- do adapter.dispatch("claim_lease", "exhaust")() %}
    {%- endif %}
{% endmacro %}

{% macro default__claim_lease() %} {% endmacro %}

{% macro postgres__claim_lease() %}
    {%- set lease = table_of_target("build_lease") %}
    {%- if not columns_in(target.schema, "build_lease") %}
        {%- do run_query((make_target_schema() + [lease_table(lease)]) | join(";\n")) %}
    {%- endif %}
    {%- set holder = "`dbt " ~ flags.WHICH ~ "` of the role " ~ target.user %}
    {%- set claim = lease_claim(lease, invocation_id, holder, lease_seconds()) %}
    {%- if not run_query(claim).rows %}
        {%- set held = run_query(lease_held(lease)).rows | first %}
        {#- Not waited for: dbt has already read which tables exist, and they are changing. #}
        {{
            exceptions.raise_compiler_error(
                "This target is held by "
                ~ (held[0] ~ ", since " ~ iso_minute(held[1]) if held else "another process")
                ~ ". Try again when it has ended"
                ~ ("; if it was killed, after " ~ iso_minute(held[2]) if held else "")
                ~ "."
            )
        }}
    {%- endif %}
{% endmacro %}

{% macro iso_minute(timestamp) %}
    {{ return(timestamp.strftime("%Y-%m-%d %H:%M") ~ " UTC") }}
{% endmacro %}

{#- How long plain dbt holds the lease after each model. -#}
{% macro lease_seconds() %} {{ return(900) }} {% endmacro %}

{#- Holds the lease for longer: a hook after models, in their transactions. -#}
{% macro renew_lease() %} {{ return(adapter.dispatch("renew_lease", "exhaust")()) }} {% endmacro %}

{% macro default__renew_lease() %} {% endmacro %}

{% macro postgres__renew_lease() %}
    {%- if execute and var("record_builds") and not env_var("EXHAUST_LEASE", "") %}
        {{ lease_renewal(table_of_target("build_lease"), invocation_id, lease_seconds()) }}
    {%- endif %}
{% endmacro %}

{#- Whether another process took the lease over, because this one could not renew it in time. -#}
{% macro has_lost_lease() %}
    {{ return(adapter.dispatch("has_lost_lease", "exhaust")()) }}
{% endmacro %}

{% macro default__has_lost_lease() %} {{ return(false) }} {% endmacro %}

{% macro postgres__has_lost_lease() %}
    {%- if flags.WHICH == "test" %} {{ return(false) }} {%- endif %}
    {%- set token = env_var("EXHAUST_LEASE", "") or invocation_id %}
    {%- set kept = lease_kept(table_of_target("build_lease"), token) %}
    {{ return(run_query(kept).rows | length == 0) }}
{% endmacro %}

{#- The statements that give the lease up. -#}
{% macro release_lease() %}
    {{ return(adapter.dispatch("release_lease", "exhaust")()) }}
{% endmacro %}

{% macro default__release_lease() %} {{ return([]) }} {% endmacro %}

{% macro postgres__release_lease() %}
    {%- if flags.WHICH == "test" or env_var("EXHAUST_LEASE", "") %} {{ return([]) }} {%- endif %}
    {{ return([lease_release(table_of_target("build_lease"), invocation_id)]) }}
{% endmacro %}
