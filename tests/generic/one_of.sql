{#-
    The column has no other values than these, and nulls. Instead of dbt's `accepted_values`, which
    does not see macros/package/ref.sql; the call of `exhaust.ref` never runs.
-#}
{% test one_of(model, column_name, values) %}
    {%- if false %} {{ exhaust.ref() }} {% endif %}
    select {{ column_name }}, count(*) as row_count
    from {{ model }}
    where
        {{ column_name }} not in (
            {%- for value in values %}
                {{ sql_literal(value, engine()) }}{% if not loop.last %}, {% endif %}
            {%- endfor %}
        )
    group by {{ column_name }}
{% endtest %}
