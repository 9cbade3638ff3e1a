{#- A text for a message, cut to 60 characters. -#}
{% macro excerpt(text) %}
    case when length({{ text }}) > 60 then substr({{ text }}, 1, 60) || '…' else {{ text }} end
{% endmacro %}
