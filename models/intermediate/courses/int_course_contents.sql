with
    nodes as (select * from {{ ref("exhaust", "int_course_nodes") }}),

    contents as (
        select
            nodes.course_id,
            nodes.node_id as content_id,
            -- A content that is optional anywhere in the course is optional.
            not bool_or(nodes.is_optional) as is_mandatory
        from nodes
        where not nodes.is_collection
        group by nodes.course_id, nodes.node_id
    )

select *
from contents
