with
    nodes as (select * from {{ ref("exhaust", "int_course_nodes") }}),

    appearances as (
        select
            nodes.*,
            row_number() over (
                partition by nodes.course_id, nodes.node_id order by nodes.path
            ) as appearance
        from nodes
        where not nodes.is_collection
    ),

    contents as (
        select
            appearances.course_id,
            appearances.node_id as content_id,
            -- A content that is optional anywhere in the course is optional.
            not bool_or(appearances.is_optional) as is_mandatory,
            min(appearances.optional_node_id) as optional_node_id,
            max(
                case when appearances.appearance = 1 then appearances.node_name end
            ) as content_name,
            min(appearances.path) as first_path
        from appearances
        group by appearances.course_id, appearances.node_id
    ),

    numbered as (
        select
            contents.course_id,
            contents.content_id,
            contents.is_mandatory,
            contents.optional_node_id,
            contents.content_name,
            cast(
                row_number() over (
                    partition by contents.course_id order by contents.first_path
                ) as integer
            ) as content_ordinal
        from contents
    )

select *
from numbered
