{#- A text as a boolean; null if Sunbird does not write booleans in that form. -#}
{% macro boolean(text) %}
    case
        when lower({{ text }}) in ('1', 'true', 't')
        then true
        when lower({{ text }}) in ('0', 'false', 'f')
        then false
    end
{% endmacro %}
