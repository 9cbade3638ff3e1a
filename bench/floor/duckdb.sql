-- The report from the landed tables, in one go: what a build on DuckDB takes at least. It relies on
-- what the benchmark's extracts are like: courses of two levels with ten assessments.
drop schema if exists floor cascade;
create schema floor;

create temp table nodes as
with
    courses as (
        select identifier as course_id, try_cast(hierarchy as json) as tree
        from sunbird.content_hierarchy
        where identifier not like '%.img'
    ),
    units as (
        select
            course_id,
            unnest(tree -> '$.children[*]') as unit,
            generate_subscripts(tree -> '$.children[*]', 1) as unit_position
        from courses
    )
select
    course_id,
    unit_position,
    unnest(unit -> '$.children[*]') as leaf,
    generate_subscripts(unit -> '$.children[*]', 1) as leaf_position,
    coalesce(lower(unit ->> '$.relationalMetadata.optional') = 'true', false) as is_optional
from units;

create temp table course_contents as
select course_id, array_agg(content_id) filter (where is_mandatory) as mandatory_ids
from
    (
        select
            course_id,
            leaf ->> '$.identifier' as content_id,
            not bool_or(
                is_optional
                or coalesce(lower(leaf ->> '$.relationalMetadata.optional') = 'true', false)
            ) as is_mandatory
        from nodes
        group by course_id, content_id
    )
group by course_id;

create temp table assessments as
select
    course_id,
    content_id,
    row_number() over (partition by course_id order by first_way) as assessment_ordinal
from
    (
        select
            course_id,
            leaf ->> '$.identifier' as content_id,
            min((unit_position, leaf_position)) as first_way
        from nodes
        where
            leaf ->> '$.contentType' = 'SelfAssess'
            or (
                leaf ->> '$.objectType' = 'QuestionSet'
                and leaf ->> '$.primaryCategory' = 'Practice Question Set'
            )
        group by course_id, content_id
    );

create temp table enrolments as
with
    repeated as (
        select userid, courseid, batchid
        from sunbird.user_enrolments
        group by userid, courseid, batchid
        having count(*) > 1
    ),
    single as (
        select landed.*
        from sunbird.user_enrolments as landed
        anti join repeated using (userid, courseid, batchid)
        union all
        select landed.*
        from sunbird.user_enrolments as landed
        semi join repeated using (userid, courseid, batchid)
        qualify
            row_number() over (
                partition by userid, courseid, batchid
                order by try_cast(datetime as timestamp) desc nulls last, landed desc
            )
            = 1
    ),
    read as (
        select
            courseid as course_id,
            batchid as batch_id,
            userid as user_id,
            try_cast(enrolled_date as timestamp) as enrolled_at,
            try_cast(completedon as timestamp) as completed_at,
            coalesce(json_array_length(try_cast(issued_certificates as json)) > 0, false)
            as has_certificate,
            try_cast(contentstatus as json) as status
        from single
        where lower(active) in ('1', 'true', 't')
    ),
    measured as (
        select
            read.course_id,
            read.batch_id,
            batches.name as batch_name,
            read.user_id,
            read.enrolled_at,
            read.completed_at,
            read.has_certificate,
            len(mandatory_ids) as mandatory,
            case
                when completed_at is null
                then
                    len(
                        list_intersect(
                            list_where(
                                json_keys(read.status),
                                list_transform(
                                    read.status ->> '$.*', lambda held:held in ('2', '2.0')
                                )
                            ),
                            mandatory_ids
                        )
                    )
            end as completed
        from read
        inner join course_contents on read.course_id = course_contents.course_id
        inner join
            sunbird.course_batch as batches
            on read.course_id = batches.courseid
            and read.batch_id = batches.batchid
        where read.enrolled_at is not null
    )
select
    row_number() over (order by course_id, batch_id, user_id) as enrolment_number,
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
        else divide(200 * completed + mandatory, 2 * mandatory)
    end as progress
from measured;

create temp table scores as
with
    repeated as (
        select user_id, course_id, batch_id, content_id, attempt_id
        from sunbird.assessment_aggregator
        group by user_id, course_id, batch_id, content_id, attempt_id
        having count(*) > 1
    ),
    single as (
        select landed.*
        from sunbird.assessment_aggregator as landed
        anti join repeated using (user_id, course_id, batch_id, content_id, attempt_id)
        union all
        select landed.*
        from sunbird.assessment_aggregator as landed
        semi join repeated using (user_id, course_id, batch_id, content_id, attempt_id)
        qualify
            row_number() over (
                partition by user_id, course_id, batch_id, content_id, attempt_id
                order by try_cast(updated_on as timestamp) desc nulls last, landed desc
            )
            = 1
    ),
    attempts as (
        select
            enrolments.enrolment_number,
            assessments.assessment_ordinal,
            try_cast(single.total_score as decimal(18, 6)) as total_score,
            try_cast(single.total_max_score as decimal(18, 6)) as total_max_score,
            coalesce(
                try_cast(single.last_attempted_on as timestamp),
                try_cast(single.updated_on as timestamp)
            ) as attempted_at,
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
            and single.user_id = enrolments.user_id
    ),
    best as (
        select enrolment_number, assessment_ordinal, total_score, total_max_score
        from attempts
        where total_score >= 0 and total_max_score > 0
        qualify
            row_number() over (
                partition by enrolment_number, assessment_ordinal
                order by
                    total_score desc,
                    case when total_score > 0 then total_max_score end,
                    attempted_at desc nulls last,
                    attempt_id
            )
            = 1
    ),
    scored as (
        select
            enrolment_number,
            assessment_ordinal,
            total_score,
            total_max_score,
            cast(
                divide(
                    100 * cast(total_score * 1000000 as hugeint)
                    + cast(total_max_score * 1000000 as hugeint)
                    - 1,
                    cast(total_max_score * 1000000 as hugeint)
                ) as text
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
    arg_min(name, distance) filter (where kind = 'state') as state,
    arg_min(name, distance) filter (where kind = 'district') as district,
    arg_min(name, distance) filter (where kind = 'block') as block,
    arg_min(name, distance) filter (where kind = 'cluster') as cluster
from ascents
group by id;

create temp table schools as
select
    organisation.id,
    any_value(organisation.externalid) as external_id,
    any_value(organisation.orgname) as school_name,
    first(places.state order by entry) filter (where places.state is not null) as state,
    first(places.district order by entry) filter (where places.district is not null) as district,
    first(places.block order by entry) filter (where places.block is not null) as block,
    first(places.cluster order by entry) filter (where places.cluster is not null) as cluster
from
    (
        select
            id,
            externalid,
            orgname,
            unnest(try_cast(orglocation as json) ->> '$[*].id') as place_id,
            generate_subscripts(try_cast(orglocation as json) ->> '$[*].id', 1) as entry
        from sunbird.organisation
        where organisationtype = '2'
    ) as organisation
left join places on organisation.place_id = places.id
group by organisation.id;

create temp table user_places as
select
    list,
    first(name order by entry) filter (where kind = 'state') as state,
    first(name order by entry) filter (where kind = 'district') as district,
    first(name order by entry) filter (where kind = 'block') as block,
    first(name order by entry) filter (where kind = 'cluster') as cluster
from
    (
        select unfolded.list, unfolded.entry, location.name, lower(location.type) as kind
        from
            (
                select
                    list,
                    unnest(try_cast(list as json) ->> '$[*].id') as place_id,
                    generate_subscripts(try_cast(list as json) ->> '$[*].id', 1) as entry
                from (select distinct profilelocation as list from "sunbird"."user")
            ) as unfolded
        inner join sunbird.location as location on unfolded.place_id = location.id
    )
group by list;

create temp table roles as
select
    list,
    array_to_string(list_filter(list_distinct(types), lambda t:t <> ''), ',') as user_type,
    array_to_string(list_filter(list_distinct(sub_types), lambda t:t <> ''), ',') as user_sub_type
from
    (
        select
            list,
            try_cast(list as json) ->> '$[*].type' as types,
            try_cast(list as json) ->> '$[*].subType' as sub_types
        from (select distinct profileusertypes as list from "sunbird"."user")
    );

create temp table profiles as
with
    custodian as (select value from sunbird.system_settings where id = 'custodianOrgId'),
    user_schools as (
        select userid, min(organisationid) as school_id
        from sunbird.user_organisation
        inner join schools on user_organisation.organisationid = schools.id
        where lower(isdeleted) not in ('1', 'true', 't')
        group by userid
    ),
    declarations as (
        select
            userid,
            try_cast(userinfo as json) ->> '$."declared-school-udise-code"' as school_id,
            try_cast(userinfo as json) ->> '$."declared-school-name"' as school_name
        from sunbird.user_declarations
        qualify
            row_number() over (
                partition by userid
                order by coalesce(status = 'VALIDATED', false) desc, persona, orgid
            )
            = 1
    ),
    learners as (
        select *, coalesce(rootorgid = (select value from custodian), false) as is_self_signed_up
        from "sunbird"."user"
    )
select
    learners.userid as user_id,
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
    nullif(roles.user_type, '') as user_type,
    nullif(roles.user_sub_type, '') as user_sub_type,
    try_cast(learners.framework as json) ->> '$.board[0]' as declared_board
from learners
left join user_places on learners.profilelocation = user_places.list
left join user_schools on learners.userid = user_schools.userid and not is_self_signed_up
left join schools on user_schools.school_id = schools.id
left join sunbird.organisation as root on learners.rootorgid = root.id
left join declarations on learners.userid = declarations.userid
left join roles on learners.profileusertypes = roles.list;

create table floor.report as
select
    enrolments.course_id,
    courses.course_name,
    enrolments.batch_id,
    enrolments.batch_name,
    enrolments.user_id,
    profiles.* exclude (user_id),
    strftime(
        enrolments.enrolled_at at time zone 'UTC' at time zone 'Asia/Kolkata', '%d/%m/%Y'
    ) as enrolment_date,
    strftime(
        enrolments.completed_at at time zone 'UTC' at time zone 'Asia/Kolkata', '%d/%m/%Y'
    ) as completion_date,
    case when enrolments.has_certificate then 'Issued' end as certificate_status,
    enrolments.progress,
    cast(
        divide(
            100 * cast(scores.total_score * 1000000 as hugeint)
            + cast(scores.total_max_score * 1000000 as hugeint)
            - 1,
            cast(scores.total_max_score * 1000000 as hugeint)
        ) as text
    )
    || '%' as total_score,
    scores.* exclude (enrolment_number, total_score, total_max_score)
from enrolments
inner join
    (
        select identifier, try_cast(hierarchy as json) ->> '$.name' as course_name
        from sunbird.content_hierarchy
    ) as courses
    on enrolments.course_id = courses.identifier
left join profiles on enrolments.user_id = profiles.user_id
left join scores on enrolments.enrolment_number = scores.enrolment_number
order by enrolments.enrolment_number;
