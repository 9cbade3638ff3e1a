with
    enrolments as (select * from {{ ref("exhaust", "int_enrolments") }}),

    recorded as (select * from {{ ref("exhaust", "stg_enrolments") }}),

    duplicates as (select * from {{ ref("exhaust", "stg_duplicate_enrolments") }}),

    progress as (select * from {{ ref("exhaust", "int_progress") }}),

    trees as (
        select distinct contents.course_id
        from {{ ref("exhaust", "int_course_contents") }} as contents
    ),

    profiles as (select * from {{ ref("exhaust", "int_learner_profiles") }}),

    user_schools as (select * from {{ ref("exhaust", "int_user_schools") }}),

    school_places as (select * from {{ ref("exhaust", "int_school_locations") }}),

    declarations as (select * from {{ ref("exhaust", "int_user_declarations") }}),

    explained as (
        select
            enrolments.course_id,
            enrolments.batch_id,
            enrolments.user_id,
            profiles.root_org_id,
            enrolments.left_out_reason,
            recorded.enrolment_date_text,
            enrolments.enrolled_at,
            recorded.completion_date_text,
            enrolments.completed_at,
            cast(progress.contents_completed as bigint) as contents_completed,
            cast(progress.contents_total as bigint) as contents_total,
            trees.course_id is not null as has_content_tree,
            duplicates.userid is not null as has_duplicates,
            profiles.user_id is not null as is_known_user,
            profiles.is_self_signed_up,
            user_schools.school_organisation_id,
            school_places.state as school_state,
            school_places.district as school_district,
            school_places.block as school_block,
            school_places.cluster as school_cluster,
            declarations.org_id as declaration_org_id,
            declarations.persona as declaration_persona
        from enrolments
        inner join
            recorded
            on enrolments.course_id = recorded.course_id
            and enrolments.batch_id = recorded.batch_id
            and enrolments.user_id = recorded.user_id
        left join
            duplicates
            on enrolments.course_id = duplicates.courseid
            and enrolments.batch_id = duplicates.batchid
            and enrolments.user_id = duplicates.userid
        left join progress on enrolments.enrolment_number = progress.enrolment_number
        left join trees on enrolments.course_id = trees.course_id
        left join profiles on enrolments.user_id = profiles.user_id
        left join
            user_schools
            on enrolments.user_id = user_schools.user_id
            and not profiles.is_self_signed_up
        left join
            school_places
            on user_schools.school_organisation_id = school_places.school_organisation_id
        left join
            declarations on enrolments.user_id = declarations.user_id and profiles.is_self_signed_up
    )

select *
from explained
where {{ reader_sees("explained") }}
