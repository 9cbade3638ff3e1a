{#- The model has one row per combination of these columns, and none of them is null. -#}
{% test grain(model, columns) %}
    select {{ columns | join(", ") }}, count(*) as copies
    from {{ model }}
    group by {{ columns | join(", ") }}
    having
        count(*) > 1
        or {% for column in columns %}
            {{ column }} is null{% if not loop.last %} or {% endif %}
        {% endfor %}
{% endtest %}
