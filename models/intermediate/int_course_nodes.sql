with recursive
    courses as (select * from {{ ref("stg_courses") }}),

    -- A node of the tree below the course, at any depth. Only collections have contents below them:
    -- what hangs below a content (the questions of a question set) is no node of the course.
    unfolded as (select courses.course_id, {{ json_elements("courses.children") }} from courses),

    nodes as (
        select
            unfolded.course_id,
            {{ dbt.array_construct(["cast(unfolded.position as integer)"]) }} as path,
            unfolded.element,
            {{ is_marked_optional("unfolded.element") }} as is_optional
        from unfolded
        union all
        select
            children.course_id,
            {{ dbt.array_append("children.path", "cast(children.position as integer)") }},
            children.element,
            children.is_optional or {{ is_marked_optional("children.element") }}
        from
            (
                select
                    nodes.course_id,
                    nodes.path,
                    nodes.is_optional,
                    {{ json_elements(json_member("nodes.element", "children")) }}
                from nodes
                where {{ is_collection("nodes.element") }}
            ) as children
    ),

    described as (
        select
            nodes.course_id,
            nodes.path,
            {{ json_text("nodes.element", "identifier") }} as node_id,
            {{ json_text("nodes.element", "name") }} as node_name,
            {{ is_collection("nodes.element") }} as is_collection,
            nodes.is_optional,
            {{ json_text("nodes.element", "contentType") }} as content_type,
            {{ json_text("nodes.element", "objectType") }} as object_type,
            {{ json_text("nodes.element", "primaryCategory") }} as primary_category
        from nodes
    )

select *
from described
where node_id is not null
