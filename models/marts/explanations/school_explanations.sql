with
    enrolments as (select * from {{ ref("exhaust", "int_enrolments") }}),

    profiles as (select * from {{ ref("exhaust", "int_learner_profiles") }}),

    memberships as (select * from {{ ref("exhaust", "stg_user_organisations") }}),

    organisations as (select * from {{ ref("exhaust", "stg_organisations") }}),

    chosen_schools as (select * from {{ ref("exhaust", "int_user_schools") }}),

    declarations as (select * from {{ ref("exhaust", "stg_user_declarations") }}),

    chosen_declarations as (select * from {{ ref("exhaust", "int_user_declarations") }}),

    candidates as (
        select
            memberships.user_id,
            'membership' as source,
            memberships.organisation_id,
            '' as persona,
            organisations.external_id as school_id,
            organisations.organisation_name as school_name,
            case
                when organisations.organisation_id is null
                then 'organisation unknown'
                when not organisations.is_school
                then 'not a school'
                when memberships.is_deleted
                then 'membership ended'
            end as unusable_reason,
            memberships.organisation_id = chosen_schools.school_organisation_id as is_first,
            'lowest organisation ID' as first_reason,
            'another school has a lower organisation ID' as other_reason
        from memberships
        left join organisations on memberships.organisation_id = organisations.organisation_id
        left join chosen_schools on memberships.user_id = chosen_schools.user_id
        union all
        select
            declarations.user_id,
            'declaration' as source,
            declarations.org_id,
            declarations.persona,
            declarations.school_id,
            declarations.school_name,
            null as unusable_reason,
            declarations.org_id = chosen_declarations.org_id
            and declarations.persona = chosen_declarations.persona as is_first,
            case
                when declarations.is_validated
                then 'validated'
                else 'lowest persona, then organisation ID'
            end as first_reason,
            case
                when chosen_declarations.is_validated and not declarations.is_validated
                then 'another declaration is validated'
                else 'another declaration has a lower persona or organisation ID'
            end as other_reason
        from declarations
        left join chosen_declarations on declarations.user_id = chosen_declarations.user_id
    ),

    joined as (
        select
            enrolments.course_id,
            enrolments.batch_id,
            enrolments.user_id,
            profiles.root_org_id,
            candidates.source,
            candidates.organisation_id,
            candidates.persona,
            candidates.school_id,
            candidates.school_name,
            candidates.is_first,
            candidates.first_reason,
            candidates.other_reason,
            case
                when profiles.user_id is null
                then 'user unknown'
                when candidates.source = 'membership' and profiles.is_self_signed_up
                then 'self-signed-up: only declarations count'
                when candidates.source = 'declaration' and not profiles.is_self_signed_up
                then 'State-validated: only memberships count'
                else candidates.unusable_reason
            end as ignored_reason
        from enrolments
        inner join candidates on enrolments.user_id = candidates.user_id
        left join profiles on enrolments.user_id = profiles.user_id
    ),

    counted as (
        select
            joined.*,
            count(case when joined.ignored_reason is null then 1 end) over (
                partition by joined.course_id, joined.batch_id, joined.user_id
            ) as usable
        from joined
    ),

    explained as (
        select
            counted.course_id,
            counted.batch_id,
            counted.user_id,
            counted.root_org_id,
            counted.source,
            counted.organisation_id,
            counted.persona,
            counted.school_id,
            counted.school_name,
            counted.ignored_reason is null and counted.is_first as is_chosen,
            case
                when counted.ignored_reason is not null
                then counted.ignored_reason
                when counted.usable = 1
                then 'the only one'
                when counted.is_first
                then counted.first_reason
                else counted.other_reason
            end as reason
        from counted
    )

select *
from explained
where {{ reader_sees("explained") }}
