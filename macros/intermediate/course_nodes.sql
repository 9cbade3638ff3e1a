{#- Whether a node of a course, as JSON, has contents below it. -#}
{% macro is_collection(node) %}
    coalesce({{ json_text(node, "mimeType") }} = 'application/vnd.ekstep.content-collection', false)
{% endmacro %}

{#- Whether a node of a course, as JSON, is itself marked optional: the boolean, or its text. -#}
{% macro is_marked_optional(node) %}
    coalesce(lower({{ json_text(node, ["relationalMetadata", "optional"]) }}) = 'true', false)
{% endmacro %}
