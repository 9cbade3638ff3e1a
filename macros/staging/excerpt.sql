{#- A text, cut to 60 characters, for a message. -#}
{% macro excerpt(text) %}
    case when length({{ text }}) > 60 then substr({{ text }}, 1, 60) || '…' else {{ text }} end
{% endmacro %}
