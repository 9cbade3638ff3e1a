with
    users as (select * from {{ ref("stg_users") }}),

    unfolded as (select users.user_id, {{ json_elements("users.user_types") }} from users),

    roles as (
        select
            unfolded.user_id,
            unfolded.position,
            {{ json_text("unfolded.element", "type") }} as user_type,
            {{ json_text("unfolded.element", "subType") }} as user_sub_type
        from unfolded
    ),

    types as (
        select roles.user_id, roles.user_type, min(roles.position) as position
        from roles
        where roles.user_type is not null
        group by roles.user_id, roles.user_type
    ),

    sub_types as (
        select roles.user_id, roles.user_sub_type, min(roles.position) as position
        from roles
        where roles.user_sub_type is not null
        group by roles.user_id, roles.user_sub_type
    ),

    listed_types as (
        select
            types.user_id,
            {{ dbt.listagg("types.user_type", "','", "order by types.position") }} as user_type
        from types
        group by types.user_id
    ),

    listed_sub_types as (
        select
            sub_types.user_id,
            {{ dbt.listagg("sub_types.user_sub_type", "','", "order by sub_types.position") }}
            as user_sub_type
        from sub_types
        group by sub_types.user_id
    ),

    listed as (
        select
            coalesce(listed_types.user_id, listed_sub_types.user_id) as user_id,
            listed_types.user_type,
            listed_sub_types.user_sub_type
        from listed_types
        full outer join listed_sub_types on listed_types.user_id = listed_sub_types.user_id
    )

select *
from listed
