-- The report from the landed tables, in one go: what a build on Postgres takes at least. It relies
-- on what the benchmark's extracts are like: courses of two levels with ten assessments.
set client_min_messages = warning
;
set jit = off
;
-- Narrow sorts and joins stay in memory.
set work_mem = '256MB'
;
drop schema if exists floor cascade;
create schema floor;

create temp table nodes as
with
    courses as (
        select identifier as course_id, cast(hierarchy as jsonb) as tree
        from sunbird.content_hierarchy
        where identifier not like '%.img' and pg_input_is_valid(hierarchy, 'jsonb')
    )
select
    course_id,
    unit_position,
    leaf_position,
    leaf ->> 'identifier' as content_id,
    lower(unit -> 'relationalMetadata' ->> 'optional') = 'true'
    or lower(leaf -> 'relationalMetadata' ->> 'optional') = 'true' as is_optional,
    leaf ->> 'contentType' = 'SelfAssess'
    or (
        leaf ->> 'objectType' = 'QuestionSet'
        and leaf ->> 'primaryCategory' = 'Practice Question Set'
    ) as is_assessment
from
    courses,
    jsonb_array_elements(tree -> 'children') with ordinality as units (unit, unit_position),
    jsonb_array_elements(unit -> 'children') with ordinality as leaves (leaf, leaf_position);

create temp table course_contents as
select
    course_id,
    array_agg(content_id) filter (where is_mandatory) as mandatory_ids,
    count(*) filter (where is_mandatory) as mandatory
from
    (
        select course_id, content_id, not bool_or(coalesce(is_optional, false)) as is_mandatory
        from nodes
        group by course_id, content_id
    ) as contents
group by course_id;

create temp table assessments as
select
    course_id,
    content_id,
    cast(row_number() over (partition by course_id order by first_way) as integer)
    as assessment_ordinal
from
    (
        select course_id, content_id, min(array[unit_position, leaf_position]) as first_way
        from nodes
        where is_assessment
        group by course_id, content_id
    ) as appearances;

create temp table repeated_enrolments as
select userid, courseid, batchid
from sunbird.user_enrolments
group by userid, courseid, batchid
having count(*) > 1;

create temp table repeated_attempts as
select user_id, course_id, batch_id, content_id, attempt_id
from sunbird.assessment_aggregator
group by user_id, course_id, batch_id, content_id, attempt_id
having count(*) > 1;

analyze course_contents,
assessments,
repeated_enrolments,
repeated_attempts
;

create temp table enrolments as
with
    single as (
        select landed.*
        from sunbird.user_enrolments as landed
        where
            not exists (
                select 1
                from repeated_enrolments as repeated
                where
                    repeated.userid = landed.userid
                    and repeated.courseid = landed.courseid
                    and repeated.batchid = landed.batchid
            )
        union all
        (
            select distinct on (landed.userid, landed.courseid, landed.batchid) landed.*
            from sunbird.user_enrolments as landed
            inner join repeated_enrolments using (userid, courseid, batchid)
            order by
                landed.userid,
                landed.courseid,
                landed.batchid,
                landed.datetime collate "C" desc nulls last,
                landed desc
        )
    ),
    measured as (
        select
            single.courseid as course_id,
            single.batchid as batch_id,
            batches.name as batch_name,
            single.userid as user_id,
            case
                when pg_input_is_valid(single.enrolled_date, 'timestamp')
                then cast(single.enrolled_date as timestamp)
            end as enrolled_at,
            case
                when pg_input_is_valid(single.completedon, 'timestamp')
                then cast(single.completedon as timestamp)
            end as completed_at,
            coalesce(single.issued_certificates not in ('', '[]', '{}'), false) as has_certificate,
            course_contents.mandatory,
            case
                when
                    not coalesce(pg_input_is_valid(single.completedon, 'timestamp'), false)
                    and pg_input_is_valid(single.contentstatus, 'jsonb')
                then
                    (
                        select count(*)
                        from
                            (select cast(single.contentstatus as jsonb) as parsed offset 0) as held,
                            unnest(course_contents.mandatory_ids) as content_id
                        where held.parsed ->> content_id in ('2', '2.0')
                    )
                else 0
            end as completed
        from single
        inner join course_contents on single.courseid = course_contents.course_id
        inner join
            sunbird.course_batch as batches
            on single.courseid = batches.courseid
            and single.batchid = batches.batchid
        where lower(single.active) in ('1', 'true', 't')
        offset 0
    )
select
    row_number() over () as enrolment_number,
    course_id,
    batch_id,
    batch_name,
    user_id,
    enrolled_at,
    completed_at,
    has_certificate,
    case
        when completed_at is not null or completed >= mandatory
        then 100
        else div(200 * completed + mandatory, 2 * mandatory)
    end as progress
from measured
where enrolled_at is not null;

analyze enrolments
;

create temp table attempts as
with
    single as (
        select landed.*
        from sunbird.assessment_aggregator as landed
        where
            not exists (
                select 1
                from repeated_attempts as repeated
                where
                    repeated.user_id = landed.user_id
                    and repeated.course_id = landed.course_id
                    and repeated.batch_id = landed.batch_id
                    and repeated.content_id = landed.content_id
                    and repeated.attempt_id = landed.attempt_id
            )
        union all
        (
            select distinct on (
                landed.user_id,
                landed.course_id,
                landed.batch_id,
                landed.content_id,
                landed.attempt_id
            ) landed.*
            from sunbird.assessment_aggregator as landed
            inner join
                repeated_attempts using (user_id, course_id, batch_id, content_id, attempt_id)
            order by
                landed.user_id,
                landed.course_id,
                landed.batch_id,
                landed.content_id,
                landed.attempt_id,
                landed.updated_on collate "C" desc nulls last,
                landed desc
        )
    )
select
    enrolments.enrolment_number,
    assessments.assessment_ordinal,
    case
        when pg_input_is_valid(single.total_score, 'decimal(18, 6)')
        then cast(single.total_score as decimal(18, 6))
    end as total_score,
    case
        when pg_input_is_valid(single.total_max_score, 'decimal(18, 6)')
        then cast(single.total_max_score as decimal(18, 6))
    end as total_max_score,
    case
        when pg_input_is_valid(single.last_attempted_on, 'timestamp')
        then cast(single.last_attempted_on as timestamp)
        when pg_input_is_valid(single.updated_on, 'timestamp')
        then cast(single.updated_on as timestamp)
    end as attempted_at,
    single.attempt_id
from single
inner join
    assessments
    on single.course_id = assessments.course_id
    and single.content_id = assessments.content_id
inner join
    enrolments
    on single.course_id = enrolments.course_id
    and single.batch_id = enrolments.batch_id
    and single.user_id = enrolments.user_id;

analyze attempts
;

create temp table scores as
with
    best as (
        select distinct on (enrolment_number, assessment_ordinal)
            enrolment_number, assessment_ordinal, total_score, total_max_score
        from attempts
        where total_score >= 0 and total_max_score > 0
        order by
            enrolment_number,
            assessment_ordinal,
            total_score desc,
            case when total_score > 0 then total_max_score end,
            attempted_at desc nulls last,
            attempt_id collate "C"
    ),
    scored as (
        select
            enrolment_number,
            assessment_ordinal,
            total_score,
            total_max_score,
            div(
                total_score * 100000000 + total_max_score * 1000000 - 1, total_max_score * 1000000
            )
            || '%' as score
        from best
    )
select
    enrolment_number,
    sum(total_score) as total_score,
    sum(total_max_score) as total_max_score,
    max(score) filter (where assessment_ordinal = 1) as score_1,
    max(score) filter (where assessment_ordinal = 2) as score_2,
    max(score) filter (where assessment_ordinal = 3) as score_3,
    max(score) filter (where assessment_ordinal = 4) as score_4,
    max(score) filter (where assessment_ordinal = 5) as score_5,
    max(score) filter (where assessment_ordinal = 6) as score_6,
    max(score) filter (where assessment_ordinal = 7) as score_7,
    max(score) filter (where assessment_ordinal = 8) as score_8,
    max(score) filter (where assessment_ordinal = 9) as score_9,
    max(score) filter (where assessment_ordinal = 10) as score_10
from scored
group by enrolment_number;

-- A place with the places it lies in, by kind.
create temp table places as
with recursive
    ascents as (
        select id, lower(type) as kind, name, parentid, 0 as distance
        from sunbird.location
        union all
        select ascents.id, lower(above.type), above.name, above.parentid, ascents.distance + 1
        from ascents
        inner join sunbird.location as above on ascents.parentid = above.id
        where ascents.distance < 9
    )
select
    id,
    (array_agg(name order by distance) filter (where kind = 'state'))[1] as state,
    (array_agg(name order by distance) filter (where kind = 'district'))[1] as district,
    (array_agg(name order by distance) filter (where kind = 'block'))[1] as block,
    (array_agg(name order by distance) filter (where kind = 'cluster'))[1] as cluster
from ascents
group by id;

create temp table schools as
select
    organisation.id,
    organisation.externalid as external_id,
    organisation.orgname as school_name,
    (array_agg(places.state order by entry) filter (where places.state is not null))[1] as state,
    (array_agg(places.district order by entry) filter (where places.district is not null))[
        1
    ] as district,
    (array_agg(places.block order by entry) filter (where places.block is not null))[1] as block,
    (array_agg(places.cluster order by entry) filter (where places.cluster is not null))[
        1
    ] as cluster
from sunbird.organisation as organisation
left join
    lateral jsonb_array_elements(
        case
            when pg_input_is_valid(organisation.orglocation, 'jsonb')
            then cast(organisation.orglocation as jsonb)
        end
    ) with ordinality as entries (held, entry)
    on true
left join places on entries.held ->> 'id' = places.id
where organisation.organisationtype = '2'
group by organisation.id, organisation.externalid, organisation.orgname;

create temp table user_places as
select
    list,
    (array_agg(name order by entry) filter (where kind = 'state'))[1] as state,
    (array_agg(name order by entry) filter (where kind = 'district'))[1] as district,
    (array_agg(name order by entry) filter (where kind = 'block'))[1] as block,
    (array_agg(name order by entry) filter (where kind = 'cluster'))[1] as cluster
from
    (
        select lists.list, entries.entry, location.name, lower(location.type) as kind
        from
            (select distinct profilelocation as list from sunbird."user") as lists,
            jsonb_array_elements(
                case when pg_input_is_valid(list, 'jsonb') then cast(list as jsonb) end
            ) with ordinality as entries (held, entry),
            sunbird.location as location
        where entries.held ->> 'id' = location.id
    ) as named
group by list;

create temp table roles as
select
    list,
    string_agg(held ->> 'type', ',' order by entry) as user_type,
    string_agg(held ->> 'subType', ',' order by entry) as user_sub_type
from
    (select distinct profileusertypes as list from sunbird."user") as lists,
    jsonb_array_elements(
        case when pg_input_is_valid(list, 'jsonb') then cast(list as jsonb) end
    ) with ordinality as entries (held, entry)
group by list;

create temp table user_schools as
select userid, min(organisationid collate "C") as school_id
from sunbird.user_organisation
inner join schools on user_organisation.organisationid = schools.id
where lower(isdeleted) not in ('1', 'true', 't')
group by userid;

create temp table declarations as
select distinct on (userid)
    userid,
    case
        when pg_input_is_valid(userinfo, 'jsonb')
        then cast(userinfo as jsonb) ->> 'declared-school-udise-code'
    end as school_id,
    case
        when pg_input_is_valid(userinfo, 'jsonb')
        then cast(userinfo as jsonb) ->> 'declared-school-name'
    end as school_name
from sunbird.user_declarations
order by
    userid,
    coalesce(status = 'VALIDATED', false) desc,
    persona collate "C",
    orgid collate "C";

analyze scores,
places,
schools,
user_places,
roles,
user_schools,
declarations
;

create table floor.report as
with
    learners as (
        select
            *,
            coalesce(
                rootorgid
                = (select value from sunbird.system_settings where id = 'custodianOrgId'),
                false
            ) as is_self_signed_up
        from sunbird."user"
    ),
    courses as (
        select identifier, cast(hierarchy as jsonb) ->> 'name' as course_name
        from sunbird.content_hierarchy
        where identifier not like '%.img'
    )
select
    enrolments.course_id,
    courses.course_name,
    enrolments.batch_id,
    enrolments.batch_name,
    enrolments.user_id,
    coalesce(user_places.state, schools.state) as state,
    coalesce(user_places.district, schools.district) as district,
    root.orgname as org_name,
    case
        when is_self_signed_up then declarations.school_id else schools.external_id
    end as school_id,
    case
        when is_self_signed_up then declarations.school_name else schools.school_name
    end as school_name,
    case
        when not is_self_signed_up then coalesce(schools.block, user_places.block)
    end as block,
    coalesce(user_places.cluster, schools.cluster) as cluster,
    roles.user_type,
    roles.user_sub_type,
    case
        when pg_input_is_valid(learners.framework, 'jsonb')
        then cast(learners.framework as jsonb) -> 'board' ->> 0
    end as declared_board,
    to_char(
        enrolments.enrolled_at at time zone 'UTC' at time zone 'Asia/Kolkata', 'DD/MM/YYYY'
    ) as enrolment_date,
    to_char(
        enrolments.completed_at at time zone 'UTC' at time zone 'Asia/Kolkata', 'DD/MM/YYYY'
    ) as completion_date,
    case when enrolments.has_certificate then 'Issued' end as certificate_status,
    enrolments.progress,
    div(
        scores.total_score * 100000000 + scores.total_max_score * 1000000 - 1,
        scores.total_max_score * 1000000
    )
    || '%' as total_score,
    scores.score_1,
    scores.score_2,
    scores.score_3,
    scores.score_4,
    scores.score_5,
    scores.score_6,
    scores.score_7,
    scores.score_8,
    scores.score_9,
    scores.score_10
from enrolments
inner join courses on enrolments.course_id = courses.identifier
left join learners on enrolments.user_id = learners.userid
left join user_places on learners.profilelocation = user_places.list
left join user_schools on learners.userid = user_schools.userid and not is_self_signed_up
left join schools on user_schools.school_id = schools.id
left join sunbird.organisation as root on learners.rootorgid = root.id
left join declarations on learners.userid = declarations.userid
left join roles on learners.profileusertypes = roles.list
left join scores on enrolments.enrolment_number = scores.enrolment_number
order by
    enrolments.course_id collate "C",
    enrolments.batch_id collate "C",
    enrolments.user_id collate "C";
