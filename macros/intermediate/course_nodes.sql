{#-
    Whether a node of a course, given as JSON, is a collection: only these have nodes below them.
-#}
{% macro is_collection(node) %}
    coalesce({{ json_text(node, "mimeType") }} = 'application/vnd.ekstep.content-collection', false)
{% endmacro %}

{#-
    Whether a node of a course, given as JSON, is marked optional itself: by true or the text
    `true`.
-#}
{% macro is_marked_optional(node) %}
    coalesce(lower({{ json_text(node, ["relationalMetadata", "optional"]) }}) = 'true', false)
{% endmacro %}
