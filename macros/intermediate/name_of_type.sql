{#- In a group, the name of the place of a type. -#}
{% macro name_of_type(relation, type) %}
    max(case when {{ relation }}.location_type = '{{ type }}' then {{ relation }}.location_name end)
{% endmacro %}
