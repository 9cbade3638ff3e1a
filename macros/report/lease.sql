{#-
    The lease of a target on Postgres: a table of at most one row. It is a row with a time, not an
    advisory lock, because sessions do not last behind a transaction pooler. The server's clock
    decides. Here, because the command runs these statements too.
-#}
{% macro lease_table(lease) %}
    {{-
        (
            "create table if not exists "
            ~ lease
            ~ " (id integer primary key, token text not null, holder text not null, "
            ~ "started_at timestamp not null, lease_until timestamp not null)"
        )
    -}}
{% endmacro %}

{#- Gives a row with the token if the lease was free, had run out, or was this holder's. -#}
{% macro lease_claim(lease, token, holder, seconds) -%}
    insert into {{ lease }} as held (id, token, holder, started_at, lease_until)
    values (
        1,
    {{ sql_literal(token, "postgres") }},
    {{ sql_literal(holder, "postgres") }},
    {{ lease_now() }},
    {{ lease_now() }} + interval '{{ seconds }} seconds'
    )
    on conflict (id) do update
    set token = excluded.token,
        holder = excluded.holder,
        started_at = excluded.started_at,
        lease_until = excluded.lease_until
    where held.lease_until < {{ lease_now() }} or held.token = excluded.token
    returning token
{%- endmacro %}

{#- Gives who holds the lease, since when and until when; no row if nobody does. -#}
{% macro lease_held(lease) -%}
    select held.holder, held.started_at, held.lease_until
    from {{ lease }} as held
    where held.lease_until >= {{ lease_now() }}
{%- endmacro %}

{#- Gives a row with the token if the lease is still this holder's. -#}
{% macro lease_renewal(lease, token, seconds) -%}
    update {{ lease }}
    set lease_until = {{ lease_now() }} + interval '{{ seconds }} seconds'
    where token = {{ sql_literal(token, "postgres") }}
    returning token
{%- endmacro %}

{#- Gives a row if nobody has taken the lease over, even if it has run out. -#}
{% macro lease_kept(lease, token) -%}
    select 1 from {{ lease }} where token = {{ sql_literal(token, "postgres") }}
{%- endmacro %}

{% macro lease_release(lease, token) -%}
    delete from {{ lease }} where token = {{ sql_literal(token, "postgres") }}
{%- endmacro %}

{% macro lease_now() -%} (clock_timestamp() at time zone 'UTC') {%- endmacro %}
