{#- A text as a boolean; null where it is none of the forms in which Sunbird writes one. -#}
{% macro boolean(text) %}
    case
        when lower({{ text }}) in ('1', 'true', 't')
        then true
        when lower({{ text }}) in ('0', 'false', 'f')
        then false
    end
{% endmacro %}
