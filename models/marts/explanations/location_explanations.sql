with
    enrolments as (select * from {{ ref("exhaust", "int_enrolments") }}),

    profiles as (select * from {{ ref("exhaust", "int_learner_profiles") }}),

    users as (select * from {{ ref("exhaust", "stg_users") }}),

    lists as (
        select users.user_id, {{ parsed_json("users.location_list") }} as locations from users
    ),

    entries as ({{ location_entries("lists", "user_id") }}),

    ranked as (
        select
            entries.*,
            row_number() over (
                partition by entries.user_id, entries.location_type order by entries.position
            ) as rank_of_type
        from entries
    ),

    explained as (
        select
            enrolments.course_id,
            enrolments.batch_id,
            enrolments.user_id,
            profiles.root_org_id,
            cast(ranked.position as integer) as position,
            ranked.entry_id,
            ranked.entry_code,
            -- What the entry claims counts only if nothing is known of the location.
            case
                when ranked.location_id is null then ranked.entry_type else ranked.location_type
            end as location_type,
            ranked.location_name,
            ranked.location_type is not null
            and ranked.location_name is not null
            and ranked.rank_of_type = 1 as is_chosen,
            case
                when ranked.location_id is null
                then 'location unknown'
                when ranked.location_type is null
                then 'location without a type'
                when ranked.location_name is null
                then 'location without a name'
                when ranked.rank_of_type > 1
                then 'another entry of this type comes first'
                else 'first entry of its type'
            end as reason
        from enrolments
        inner join ranked on enrolments.user_id = ranked.user_id
        left join profiles on enrolments.user_id = profiles.user_id
    )

select *
from explained
where {{ reader_sees("explained") }}
