with
    users as (select * from {{ ref("exhaust", "stg_users") }}),

    organisations as (select * from {{ ref("exhaust", "stg_organisations") }}),

    custodian as (
        select setting_value as organisation_id
        from {{ ref("exhaust", "stg_system_settings") }}
        where setting_id = 'custodianOrgId'
    ),

    user_places as (select * from {{ ref("exhaust", "int_user_locations") }}),

    user_schools as (select * from {{ ref("exhaust", "int_user_schools") }}),

    school_places as (select * from {{ ref("exhaust", "int_school_locations") }}),

    declarations as (select * from {{ ref("exhaust", "int_user_declarations") }}),

    roles as (select * from {{ ref("exhaust", "int_user_roles") }}),

    learners as (
        select
            users.user_id,
            users.root_org_id,
            users.declared_board,
            users.location_list,
            users.role_list,
            coalesce(
                users.root_org_id = (select custodian.organisation_id from custodian), false
            ) as is_self_signed_up
        from users
    ),

    profiles as (
        select
            learners.user_id,
            learners.root_org_id,
            learners.is_self_signed_up,
            coalesce(user_places.state, school_places.state) as state,
            coalesce(user_places.district, school_places.district) as district,
            root_organisations.organisation_name as org_name,
            case
                when learners.is_self_signed_up then declarations.school_id else schools.external_id
            end as school_id,
            case
                when learners.is_self_signed_up
                then declarations.school_name
                else schools.organisation_name
            end as school_name,
            case
                when not learners.is_self_signed_up
                then coalesce(school_places.block, user_places.block)
            end as block,
            coalesce(user_places.cluster, school_places.cluster) as cluster,
            roles.user_type,
            roles.user_sub_type,
            learners.declared_board
        from learners
        left join user_places on learners.location_list = user_places.location_list
        -- Only State-validated learners belong to a school of the State.
        left join
            user_schools
            on learners.user_id = user_schools.user_id
            and not learners.is_self_signed_up
        left join
            organisations as schools
            on user_schools.school_organisation_id = schools.organisation_id
        left join
            school_places
            on user_schools.school_organisation_id = school_places.school_organisation_id
        left join
            organisations as root_organisations
            on learners.root_org_id = root_organisations.organisation_id
        left join declarations on learners.user_id = declarations.user_id
        left join roles on learners.role_list = roles.role_list
    )

select *
from profiles
