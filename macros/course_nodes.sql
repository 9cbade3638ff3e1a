{#- Whether a node of a course, as JSON, has contents below it. -#}
{% macro is_collection(node) %}
    coalesce({{ json_text(node, "mimeType") }} = 'application/vnd.ekstep.content-collection', false)
{% endmacro %}

{#- Whether a node of a course, as JSON, is itself marked optional: the boolean, or its text. -#}
{% macro is_marked_optional(node) %}
    coalesce(lower({{ json_text(node, ["relationalMetadata", "optional"]) }}) = 'true', false)
{% endmacro %}

{#- The values of a list variable as SQL literals, for `in (…)`; an empty list matches nothing. -#}
{% macro literals_of(variable) %}
    {%- for value in var(variable) %} {{ sql_literal(value) }}{% if not loop.last %}, {% endif %}
    {% else %} null
    {% endfor %}
{%- endmacro %}
