{#-
    Row-level security for readers on Postgres, if the project sets `reader_row_security`: a reader
    sees the batches and learners that `requester_batches` gives to its user. A build makes the
    policies again, because it replaces the tables. The owner of the tables needs no policy.
    Why functions: a policy that reads another mart would be dropped with the table that a build
    replaces. `exhaust grant` keeps who the roles are, next to the ledger.
-#}
{% macro secure_rows(mart) %}
    {{ return(adapter.dispatch("secure_rows", "exhaust")(mart)) }}
{% endmacro %}

{% macro default__secure_rows(mart) %} {% endmacro %}

{% macro postgres__secure_rows(mart) %}
    {%- set rows = rows_of_readers().get(model.name) %}
    {%- if model.config.meta.get("selects_rows_of_readers") %}
        {#- It reads what readers may not, and its own condition selects their rows. With a barrier,
            no function of theirs sees the others first. -#}
        alter view {{ mart }} set (security_barrier = true)
    {%- elif var("reader_row_security", false) and model.config.materialized == "view" %}
        {#- With the rights of who reads it: with the owner's, a view shows all rows. -#}
        alter view {{ mart }} set (security_invoker = true)
    {%- elif var("reader_row_security", false) and rows %}
        alter table {{ mart }} enable row level security;
        create policy readers on {{ mart }} for select using (
            (select {{ table_of_target("reads_all_rows") }}()) or {{ rows }}
        )
    {%- endif %}
{% endmacro %}

{#- The rows of each mart that a reader sees; whoever may read the others sees all of them. -#}
{% macro rows_of_readers() %}
    {%- set user_id = "(select " ~ table_of_target("reader_user_id") ~ "())" %}
    {%- set batches = "from " ~ table_of_target("reader_batches") ~ "()" %}
    {%- set of_batches = "(course_id, batch_id) in (select course_id, batch_id " ~ batches %}
    {{
        return(
            {
                "requesters": "user_id = " ~ user_id,
                "requester_batches": "user_id = " ~ user_id,
                "courses": "created_by = "
                ~ user_id
                ~ " or course_id in (select course_id "
                ~ batches
                ~ ")",
                "course_batches": of_batches ~ ")",
                "course_progress": learners_of_reader(),
                "course_progress_details": learners_of_reader(),
                "location_summaries": learners_of_reader(),
                "week_summaries": learners_of_reader(),
                "score_summaries": learners_of_reader(),
            }
        )
    }}
{% endmacro %}

{#- The condition that a reader may see a learner in a batch; `prefix` is that of the columns. -#}
{% macro learners_of_reader(prefix="") %}
    {%- set of_batches = (
        "("
        ~ prefix
        ~ "course_id, "
        ~ prefix
        ~ "batch_id) in (select course_id, batch_id from "
        ~ table_of_target("reader_batches")
        ~ "()"
    ) %}
    {{
        return(
            of_batches
            ~ " where sees_all_learners) or ("
            ~ prefix
            ~ "root_org_id = (select "
            ~ table_of_target("reader_root_org_id")
            ~ "()) and "
            ~ of_batches
            ~ "))"
        )
    }}
{% endmacro %}

{#- The statements that make the functions of the policies, before there are marts. -#}
{% macro make_reader_functions() %}
    {{ return(adapter.dispatch("make_reader_functions", "exhaust")()) }}
{% endmacro %}

{% macro default__make_reader_functions() %} {{ return([]) }} {% endmacro %}

{% macro postgres__make_reader_functions() %}
    {%- if not var("reader_row_security", false) %} {{ return([]) }} {%- endif %}
    {%- set ledger = target.schema ~ "_requests" %}
    {%- set user_id = table_of_target("reader_user_id") ~ "()" %}
    {%- set of_user = " where marts.user_id = " ~ user_id %}
    {%- set kind = sql_identifier(ledger, engine()) ~ ".caller_kind()" %}
    {%- set caller = sql_identifier(ledger, engine()) ~ ".caller_user()" %}
    {{
        return(
            [
                make_reader_function(
                    "reads_all_rows",
                    "boolean",
                    "pg_has_role(session_user, current_user, 'member') or coalesce("
                    ~ kind
                    ~ " in ('server', 'worker'), false)",
                ),
                make_reader_function("reader_user_id", "text", caller),
                make_reader_function(
                    "reader_root_org_id",
                    "text",
                    "marts.root_org_id from "
                    ~ table_of_mart("requesters")
                    ~ " as marts"
                    ~ of_user,
                ),
                make_reader_function(
                    "reader_batches",
                    "table (course_id text, batch_id text, sees_all_learners boolean)",
                    "marts.course_id, marts.batch_id, marts.sees_all_learners from "
                    ~ table_of_mart("requester_batches")
                    ~ " as marts"
                    ~ of_user,
                ),
            ]
        )
    }}
{% endmacro %}

{#- In plpgsql, because that looks for the tables only when it runs. -#}
{% macro make_reader_function(name, type, select) %}
    {%- set body = "return query select " if type.startswith("table") else "return (select " %}
    {%- set end = "" if type.startswith("table") else ")" %}
    {{
        return(
            "create or replace function "
            ~ table_of_target(name)
            ~ "() returns "
            ~ type
            ~ " language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp as "
            ~ sql_literal("begin " ~ body ~ select ~ end ~ "; end", engine())
        )
    }}
{% endmacro %}

{#- Where a mart is, for a hook that runs without one. -#}
{% macro table_of_mart(name) %}
    {%- set mart = graph.nodes["model.exhaust." ~ name] %}
    {{
        return(
            api.Relation.create(database=mart.database, schema=mart.schema, identifier=mart.alias)
            | string
        )
    }}
{% endmacro %}
