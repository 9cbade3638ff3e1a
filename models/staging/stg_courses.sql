with
    source as ({{ deduplicate("content_hierarchy") }}),

    published as (
        select source.identifier, {{ parsed_json("source.hierarchy") }} as hierarchy
        from source
        where source.identifier not like '%.img'
    ),

    renamed as (
        select
            published.identifier as course_id,
            {{ json_text("published.hierarchy", "name") }} as course_name,
            {{ json_text("published.hierarchy", "status") }} as status,
            {{ json_text("published.hierarchy", "channel") }} as tenant_id,
            {{ json_text("published.hierarchy", "createdBy") }} as created_by,
            cast(
                floor(
                    {{ decimal_number(json_text("published.hierarchy", "leafNodesCount")) }}
                ) as bigint
            ) as leaf_nodes_count,
            {{ json_member("published.hierarchy", "children") }} as children
        from published
        where {{ json_is_object("published.hierarchy") }}
    )

select *
from renamed
