with recursive
    courses as (select * from {{ ref("exhaust", "stg_courses") }}),

    unfolded as (select courses.course_id, {{ json_elements("courses.children") }} from courses),

    -- The nodes of the tree below the course, at any depth. Only collections have nodes below them:
    -- what is below a content, such as the questions of a question set, is not part of the course.
    nodes(course_id, path, element, is_optional, optional_node_id) as (
        select
            unfolded.course_id,
            {{ dbt.array_construct(["cast(unfolded.position as integer)"]) }},
            unfolded.element,
            {{ is_marked_optional("unfolded.element") }},
            case
                when {{ is_marked_optional("unfolded.element") }}
                then {{ json_text("unfolded.element", "identifier") }}
            end
        from unfolded
        union all
        select
            children.course_id,
            {{ dbt.array_append("children.path", "cast(children.position as integer)") }},
            children.element,
            children.is_optional or {{ is_marked_optional("children.element") }},
            case
                when children.is_optional
                then children.optional_node_id
                when {{ is_marked_optional("children.element") }}
                then {{ json_text("children.element", "identifier") }}
            end
        from
            (
                select
                    nodes.course_id,
                    nodes.path,
                    nodes.is_optional,
                    nodes.optional_node_id,
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
            nodes.optional_node_id,
            {{ json_text("nodes.element", "contentType") }} as content_type,
            {{ json_text("nodes.element", "objectType") }} as object_type,
            {{ json_text("nodes.element", "primaryCategory") }} as primary_category
        from nodes
    )

select *
from described
where node_id is not null
