with
    enrolments as (select * from {{ ref("exhaust", "int_enrolments") }}),

    recorded as (select * from {{ ref("exhaust", "stg_enrolments") }}),

    contents as (select * from {{ ref("exhaust", "int_course_contents") }}),

    profiles as (select * from {{ ref("exhaust", "int_learner_profiles") }}),

    course_contents as (select * from {{ ref("exhaust", "int_course_contents") }}),

    trees as (
        select distinct nodes.course_id from {{ ref("exhaust", "int_course_contents") }} as nodes
    ),

    -- An enrolment with each content of its course, and with each content that the learner opened.
    -- Enrolments are read twice: a CTE that both read would be written out for all learners.
    listed as (
        select
            enrolments.course_id,
            enrolments.batch_id,
            enrolments.user_id,
            contents.content_id,
            cast(null as {{ dbt.type_string() }}) as content_status,
            false as is_completed
        from enrolments
        inner join contents on enrolments.course_id = contents.course_id
        union all
        select
            opened.course_id,
            opened.batch_id,
            opened.user_id,
            opened.entry_key as content_id,
            {{ json_scalar_text("opened.entry_value") }} as content_status,
            {{
                json_count_keys_with_value(
                    "opened.content_status", 2, dbt.array_construct(["opened.entry_key"])
                )
            }} = 1 as is_completed
        from
            (
                select
                    recorded.course_id,
                    recorded.batch_id,
                    recorded.user_id,
                    recorded.content_status,
                    {{ json_entries("recorded.content_status") }}
                from recorded
            ) as opened
    ),

    gathered as (
        select
            listed.course_id,
            listed.batch_id,
            listed.user_id,
            listed.content_id,
            max(listed.content_status) as content_status,
            bool_or(listed.is_completed) as is_completed
        from listed
        group by listed.course_id, listed.batch_id, listed.user_id, listed.content_id
    ),

    explained as (
        select
            gathered.course_id,
            gathered.batch_id,
            gathered.user_id,
            profiles.root_org_id,
            gathered.content_id,
            course_contents.content_name,
            course_contents.content_ordinal,
            gathered.content_status,
            gathered.is_completed,
            course_contents.is_mandatory,
            course_contents.optional_node_id,
            -- If the tree has no contents, all that the learner opened count.
            coalesce(course_contents.is_mandatory, trees.course_id is null) as counts
        from gathered
        left join
            course_contents
            on gathered.course_id = course_contents.course_id
            and gathered.content_id = course_contents.content_id
        left join trees on gathered.course_id = trees.course_id
        left join profiles on gathered.user_id = profiles.user_id
    )

select *
from explained
where {{ reader_sees("explained") }}
