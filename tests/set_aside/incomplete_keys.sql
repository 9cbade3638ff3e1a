{#-
    What: rows without a whole key; nobody can say whose they are.
    When it matters: always, each may be a learner.
    To resolve: Sunbird's own tables cannot hold such a row; look at what wrote the extract.
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
