{#-
    What: rows without a complete key; nobody can tell whose they are.
    When it matters: always. Each of them may be a learner.
    To resolve: look at the program that wrote the extract. Sunbird's own tables cannot hold such
    rows.
-#}
{% for table, raw in raw_tables().items() %}
    select
        '{{ table }}' as source_table,
        '{{ table }}: {{ raw.key | join(" / ") }}' as named,
        count(*) as row_count
    from {{ landing(table) }} as landed
    where
        {% for column in raw.key %}
            coalesce(landed.{{ column }}, '') = ''{% if not loop.last %} or {% endif %}
        {% endfor %}
    having count(*) > 0
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
