{#-
    The model has one row per combination of these columns, and none of them is null. Hashes are
    counted first, because grouping by the columns themselves takes twice as long. The call of
    `exhaust.ref` never runs; it lets the test see macros/package/ref.sql.
-#}
{% test grain(model, columns) %}
    {%- if false %} {{ exhaust.ref() }} {% endif %}
    {%- set has_null -%}
        {% for column in columns %}
            {{ column }} is null{% if not loop.last %} or {% endif %}
        {% endfor %}
    {%- endset %}
    select {{ columns | join(", ") }}, count(*) as copies
    from {{ model }}
    where
        {{ exhaust.hash_of(columns) }} in (
            select hashed.key_hash
            from
                (
                    select {{ exhaust.hash_of(columns) }} as key_hash, {{ has_null }} as has_null
                    from {{ model }}
                ) as hashed
            group by hashed.key_hash
            having count(*) > 1 or bool_or(hashed.has_null)
        )
    group by {{ columns | join(", ") }}
    having count(*) > 1 or {{ has_null }}
{% endtest %}
