{#- The key of a row as one text, for a message. -#}
{% macro table_key(relation, key) %}
    {%- for column in key %}
        {{ relation }}.{{ column }} {%- if not loop.last %} || ' / ' || {% endif %}
    {%- endfor %}
{% endmacro %}
