{#- The values of a list variable as SQL literals, for `in (…)`. An empty list matches nothing. -#}
{% macro literals_of(variable) %}
    {%- for value in var(variable) %}
        {{ sql_literal(value, engine()) }}{% if not loop.last %}, {% endif %}
    {% else %} null
    {% endfor %}
{%- endmacro %}
