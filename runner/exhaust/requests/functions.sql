-- What requesters may do in the ledger, on PostgreSQL. Requesters may not write its tables: they call
-- these functions, which belong to the ledger's owner and find out who calls. `session_user` is the
-- role that logged in: a role that a function or `set role` takes on does not count.
--
-- The names are those of the ledger's schema, which is the search path while this is run. It is run
-- again by migrations that change it, so it replaces what is there.

-- Who the roles are; `exhaust grant` writes it. A role is kept by its name.
create table if not exists granted_role (
    role text primary key,
    kind text not null check (kind in ('reader', 'server', 'worker')),
    user_id text check ((user_id is not null) <= (kind = 'reader'))
);

-- The kind of the calling role; null if nothing was granted. Members of a server or of a worker are
-- one too, but a reader is one login.
create or replace function caller_kind() returns text
language sql stable security definer set search_path from current
begin atomic
    select granted_role.kind
    from granted_role
    inner join pg_catalog.pg_roles on pg_roles.rolname = granted_role.role
    where granted_role.role = session_user
        or (
            granted_role.kind <> 'reader'
            and pg_has_role(session_user, pg_roles.oid, 'member')
        )
    order by array_position(array['worker', 'server', 'reader'], granted_role.kind)
    limit 1;
end;

-- The user ID of the calling reader; null for every other role.
create or replace function caller_user() returns text
language sql stable security definer set search_path from current
begin atomic
    select granted_role.user_id
    from granted_role
    where granted_role.role = session_user and granted_role.kind = 'reader';
end;

-- Whether the calling role may see and change the requests of a user.
create or replace function may_act_for(requester text) returns boolean
language sql stable security definer set search_path from current
begin atomic
    select coalesce(caller_kind() in ('server', 'worker') or caller_user() = requester, false);
end;

-- Where the newest build put a mart, as SQL; null if nothing is built.
create or replace function location_of(of_mart text) returns text
language plpgsql stable security definer set search_path from current as $$
declare
    marts constant text := left(current_schema, -length('_requests'));
    location text;
begin
    execute format(
        'select quote_ident(schema_name) || $2 || quote_ident(table_name) from %I.built_marts '
        'where mart = $1 order by replaced_at desc, started_at desc limit 1',
        marts
    ) into location using of_mart, '.';
    return location;
exception
    when undefined_table or invalid_schema_name then return null;
end
$$;

-- Whether a user may have these batches of a course, and is of that root organisation: a request
-- keeps the others of its organisation from the same report.
create or replace function may_have(requester text, course text, batch_ids text[], channel text)
returns boolean
language plpgsql stable security definer set search_path from current as $$
declare
    may_have boolean;
begin
    execute format(
        'select (select count(*) from %s where user_id = $1 and course_id = $2 '
        'and batch_id = any ($3)) = cardinality($3) '
        'and (select coalesce(root_org_id, $5) from %s where user_id = $1) = $4',
        location_of('requester_batches'),
        location_of('requesters')
    ) into may_have using requester, course, batch_ids, channel, '';
    return coalesce(may_have, false);
end
$$;

create or replace function utc_now() returns timestamp
language sql volatile set search_path from current
begin atomic
    select clock_timestamp() at time zone 'UTC';
end;

-- Adds a request, and returns its ID. With a worker, which is an export that runs, it is the worker's
-- for two minutes. The unique index refuses a batch that is under way.
create or replace function submit_request(request json, worker text) returns text
language plpgsql security definer set search_path from current as $$
declare
    requester constant text := request ->> 'requester';
    channel constant text := request ->> 'channel';
    dataset constant text := request ->> 'dataset';
    course constant text := request ->> 'course_id';
    report_day constant date := (request ->> 'day')::date;
    form constant text := request ->> 'form';
    sealed constant text := request ->> 'sealed_password';
    now constant timestamp := utc_now();
    batch_ids text[];
    expected bigint;
    base text;
    new_id text;
    number integer := 1;
begin
    if not may_act_for(requester) then
        raise insufficient_privilege using message = case
            when caller_user() is null
            then 'the role ' || session_user || ' may not request reports'
            else 'the role ' || session_user || ' may request reports only as ' || caller_user()
        end;
    end if;
    select
        array_agg(batch.id order by batch.id collate "C"),
        case when bool_and(batch.rows >= 0) then sum(batch.rows) end
    into batch_ids, expected
    from json_to_recordset(request -> 'batches') as batch(id text, rows bigint);
    -- What is absent is null, and so would be the whole condition.
    if not coalesce(
        cardinality(batch_ids) between 1 and 1000
        and array_position(batch_ids, null) is null
        and '' <> all (batch_ids)
        and expected between 0 and 1000000000000
        and requester <> ''
        and course <> ''
        and channel is not null
        and dataset ~ '^[a-z]+(-[a-z]+)*$'
        and abs(report_day - now::date) <= 1
        and request ->> 'target' is not null
        and length(request ->> 'request_data') < 1000000
        and json_typeof(request -> 'request_data') = 'object'
        and json_typeof(request -> 'request_data' -> 'layout') = 'string'
        and json_typeof(request -> 'request_data' -> 'allLearners') = 'boolean'
        and (worker is null or length(worker) between 1 and 300)
        and form ~ '^([0-9a-f]{64})?$'
        and (sealed is null or length(sealed) <= 2000 and sealed ~ '^[A-Za-z0-9+/]+=*$'),
        false
    )
    then
        raise insufficient_privilege using message = 'this is not a request for a report';
    end if;
    if not may_have(requester, course, batch_ids, channel) then
        raise insufficient_privilege using message
            = requester || ' may not request these batches of ' || course;
    end if;
    base := upper(md5(array_to_string(array[
        dataset,
        course || '_' || array_to_string(batch_ids, ','),
        requester,
        channel,
        to_char(report_day, 'YYYY-MM-DD'),
        request ->> 'target',
        nullif(form, '')
    ], '|')));
    new_id := base;
    while exists (select from job_request where job_request.request_id = new_id) loop
        number := number + 1;
        new_id := base || '-' || number;
    end loop;
    insert into job_request (
        tag, request_id, job_id, status, request_data, requested_by, requested_channel,
        dt_job_submitted, iteration, batch_number, course_id, course_name, rows_expected, rows_done,
        lease_owner, lease_until, claimed_at, encryption_key
    )
    values (
        course || '_' || array_to_string(batch_ids, ',') || ':' || channel,
        new_id,
        dataset,
        case when worker is null then 'SUBMITTED' else 'PROCESSING' end,
        request -> 'request_data',
        requester,
        channel,
        now,
        case when worker is null then 0 else 1 end,
        cardinality(batch_ids),
        course,
        request ->> 'course_name',
        expected,
        0,
        worker,
        case when worker is not null then now + interval '2 minutes' end,
        case when worker is not null then now end,
        sealed
    );
    insert into job_request_batch (
        request_id, batch_id, dataset, course_id, channel, is_under_way, form
    )
    select new_id, batch_id, dataset, course, channel, true, form
    from unnest(batch_ids) as batch_id;
    return new_id;
end
$$;

-- Ends a request that is under way; returns whether there was one.
create or replace function end_request(of_request text, new_status text, reason text) returns boolean
language plpgsql security definer set search_path from current as $$
declare
    was_under_way boolean;
begin
    update job_request
    set status = new_status,
        err_message = left(reason, 300),
        dt_job_completed = utc_now(),
        execution_time = extract(epoch from utc_now() - claimed_at) * 1000,
        lease_owner = null,
        lease_until = null
    where request_id = of_request and status in ('SUBMITTED', 'PROCESSING');
    was_under_way := found;
    -- Even of one that somebody gave another status.
    update job_request set encryption_key = null where request_id = of_request;
    update job_request_batch set is_under_way = false where request_id = of_request;
    return was_under_way;
end
$$;

create or replace function cancel_request(of_request text) returns boolean
language sql security definer set search_path from current
begin atomic
    select end_request(job_request.request_id, 'CANCELLED', null)
    from job_request
    where job_request.request_id = of_request and may_act_for(job_request.requested_by);
end;

-- What an export may do with the request that it holds. Each function returns false if it does not
-- hold it, or no longer.
create or replace function hold_request(of_request text, worker text, try integer, done bigint)
returns boolean
language plpgsql security definer set search_path from current as $$
begin
    update job_request
    set lease_until = utc_now() + interval '2 minutes',
        rows_done = least(coalesce(done, rows_done), rows_expected)
    where request_id = of_request
        and status = 'PROCESSING'
        and lease_owner = worker
        and iteration = try
        and coalesce(done, 0) >= 0
        and may_act_for(requested_by);
    return found;
end
$$;

create or replace function finish_batch(
    of_request text, worker text, try integer, batch text, path text, batch_rows bigint
) returns boolean
language plpgsql security definer set search_path from current as $$
begin
    if not hold_request(of_request, worker, try, null)
        or batch_rows is null
        or batch_rows not between 0 and 1000000000000
        or length(path) not between 1 and 10000
    then
        return false;
    end if;
    update job_request_batch
    set file = path, rows = batch_rows
    where request_id = of_request and batch_id = batch;
    update job_request
    set dt_file_created = utc_now(),
        rows_done = done.rows,
        processed_batches = done.ids,
        download_urls = coalesce(done.files, '[]')
    from (
        select
            sum(rows) as rows,
            json_agg(batch_id order by batch_id collate "C") as ids,
            json_agg(distinct file) filter (where file is not null) as files
        from job_request_batch
        where request_id = of_request and rows is not null
    ) as done
    where request_id = of_request;
    return true;
end
$$;

create or replace function end_own_request(of_request text, worker text, try integer, reason text)
returns boolean
language plpgsql security definer set search_path from current as $$
declare
    done bigint;
begin
    if not hold_request(of_request, worker, try, null) then
        return false;
    end if;
    if reason is null then
        select coalesce(sum(rows), 0) into done
        from job_request_batch where request_id = of_request;
        update job_request set rows_done = done, rows_expected = done
        where request_id = of_request;
    end if;
    return end_request(
        of_request, case when reason is null then 'SUCCESS' else 'FAILED' end, reason
    );
end
$$;

-- The request that blocks one of the batches: what others may learn of it, as JSON. Ends it instead,
-- and returns null, if it is not under way; or if it is an export of the same requester that has
-- stopped, and `replacing`.
drop function if exists blocking_request(text, text, text[], text, text, boolean);
create or replace function blocking_request(
    in_dataset text, of_course text, batch_ids text[], in_channel text, requester text,
    replacing boolean, in_form text
) returns json
language plpgsql security definer set search_path from current as $$
declare
    one record;
begin
    if not may_act_for(requester) then
        raise insufficient_privilege using message = 'not a request of the role ' || session_user;
    end if;
    select
        job_request_batch.batch_id,
        job_request.*,
        status = 'PROCESSING'
            and (lease_until is null or lease_until < utc_now()
                or lease_until > utc_now() + interval '1 hour') as has_stopped
    into one
    from job_request_batch
    inner join job_request using (request_id)
    where job_request_batch.dataset = in_dataset
        and job_request_batch.course_id = of_course
        and job_request_batch.batch_id = any (batch_ids)
        and job_request_batch.channel = in_channel
        and job_request_batch.form = in_form
        and job_request_batch.is_under_way
    limit 1;
    if not found then
        return null;
    end if;
    if one.status not in ('SUBMITTED', 'PROCESSING') then
        perform end_request(one.request_id, 'FAILED', null);
        return null;
    end if;
    if one.has_stopped and replacing and one.requested_by = requester then
        perform end_request(
            one.request_id, 'FAILED', 'Its worker stopped, and the report was requested again.'
        );
        return null;
    end if;
    return json_build_object(
        'batch_id', one.batch_id,
        'is_own', one.requested_by = requester,
        'role', one.request_data -> 'roles' ->> one.batch_id,
        'submitted_at', one.dt_job_submitted::text,
        'status', one.status,
        'rows_done', one.rows_done,
        'rows_expected', one.rows_expected,
        'has_stopped', one.has_stopped
    );
end
$$;

-- Writes down that somebody takes a file of a request. A null user is the operator of a server.
create or replace function record_download(
    new_id text, of_request text, by_user text, by_way text, of_file text
) returns boolean
language plpgsql security definer set search_path from current as $$
begin
    if not exists (
        select from job_request where request_id = of_request and may_act_for(requested_by)
    ) or (by_user is null and caller_kind() = 'reader')
    then
        return false;
    end if;
    insert into job_request_download (download_id, request_id, user_id, way, file, taken_at)
    values (
        new_id, of_request, coalesce(caller_user(), by_user), by_way, left(of_file, 1000), utc_now()
    );
    return true;
end
$$;

-- The requests that wait, with their rank among all, for who may see them.
create or replace view queue with (security_barrier) as
select waiting.request_id, waiting.rank
from (
    select
        job_request.request_id,
        job_request.requested_by,
        row_number() over (order by job_request.dt_job_submitted, job_request.request_id) as rank
    from job_request
    where job_request.status = 'SUBMITTED'
) as waiting
where (select caller_kind()) in ('server', 'worker')
    or waiting.requested_by = (select caller_user())
    or (
        select pg_has_role(session_user, pg_class.relowner, 'member')
        from pg_catalog.pg_class where pg_class.oid = 'job_request'::regclass
    );

-- The owner of the tables sees all rows, and needs no policy.
alter table job_request enable row level security;
alter table job_request_batch enable row level security;
drop policy if exists requesters on job_request;
create policy requesters on job_request for select using (
    (select caller_kind()) = 'server' or requested_by = (select caller_user())
);
drop policy if exists workers on job_request;
create policy workers on job_request using ((select caller_kind()) = 'worker');
drop policy if exists requesters on job_request_batch;
create policy requesters on job_request_batch for select using (
    exists (select from job_request where job_request.request_id = job_request_batch.request_id)
);
drop policy if exists workers on job_request_batch;
create policy workers on job_request_batch using ((select caller_kind()) = 'worker');
alter table job_request_download enable row level security;
drop policy if exists servers on job_request_download;
create policy servers on job_request_download for select using (
    (select caller_kind()) = 'server'
);
drop policy if exists workers on job_request_download;
create policy workers on job_request_download using ((select caller_kind()) = 'worker');
