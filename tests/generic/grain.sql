{#-
    The model has one row per combination of these columns, and none of them is null. The call of
    `exhaust.ref` never runs; it lets the test see macros/package/ref.sql.
-#}
{% test grain(model, columns) %}
    {%- if false %} {{ exhaust.ref() }} {% endif %}
    select {{ columns | join(", ") }}, count(*) as copies
    from {{ model }}
    group by {{ columns | join(", ") }}
    having
        count(*) > 1
        or {% for column in columns %}
            {{ column }} is null{% if not loop.last %} or {% endif %}
        {% endfor %}
{% endtest %}
