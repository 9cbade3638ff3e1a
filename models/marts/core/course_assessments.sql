with
    nodes as (select * from {{ ref("exhaust", "int_course_nodes") }}),

    appearances as (
        select
            nodes.course_id,
            nodes.node_id as assessment_id,
            nodes.node_name as assessment_name,
            nodes.path,
            row_number() over (
                partition by nodes.course_id, nodes.node_id order by nodes.path
            ) as appearance
        from nodes
        where
            nodes.content_type in ({{ literals_of("assessment_content_types") }})
            or (
                nodes.object_type in ({{ literals_of("assessment_object_types") }})
                and nodes.primary_category in ({{ literals_of("assessment_primary_categories") }})
            )
    ),

    assessments as (
        select
            appearances.course_id,
            cast(
                row_number() over (
                    partition by appearances.course_id order by appearances.path
                ) as integer
            ) as assessment_ordinal,
            appearances.assessment_id,
            appearances.assessment_name
        from appearances
        where appearances.appearance = 1
    )

select *
from assessments
