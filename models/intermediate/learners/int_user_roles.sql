with
    users as (select * from {{ ref("exhaust", "stg_users") }}),

    -- Many users have the same list, so each list is parsed once.
    lists as (select distinct users.role_list from users where users.role_list is not null),

    parsed as (select lists.role_list, {{ parsed_json("lists.role_list") }} as roles from lists),

    unfolded as (select parsed.role_list, {{ json_elements("parsed.roles") }} from parsed),

    roles as (
        select
            unfolded.role_list,
            unfolded.position,
            {{ json_text("unfolded.element", "type") }} as user_type,
            {{ json_text("unfolded.element", "subType") }} as user_sub_type
        from unfolded
    ),

    types as (
        select roles.role_list, roles.user_type, min(roles.position) as position
        from roles
        where roles.user_type is not null
        group by roles.role_list, roles.user_type
    ),

    sub_types as (
        select roles.role_list, roles.user_sub_type, min(roles.position) as position
        from roles
        where roles.user_sub_type is not null
        group by roles.role_list, roles.user_sub_type
    ),

    listed_types as (
        select
            types.role_list,
            {{ joined_texts("types.user_type", "','", "order by types.position") }} as user_type
        from types
        group by types.role_list
    ),

    listed_sub_types as (
        select
            sub_types.role_list,
            {{ joined_texts("sub_types.user_sub_type", "','", "order by sub_types.position") }}
            as user_sub_type
        from sub_types
        group by sub_types.role_list
    ),

    listed as (
        select
            coalesce(listed_types.role_list, listed_sub_types.role_list) as role_list,
            listed_types.user_type,
            listed_sub_types.user_sub_type
        from listed_types
        full outer join listed_sub_types on listed_types.role_list = listed_sub_types.role_list
    )

select *
from listed
