{#-
    What: JSON that the engine's parser refuses; it counts as absent.
    When it matters: a location, a board, a certificate or a learner's completed contents are missing.
    To resolve: look at the column in the landing schema and at what wrote the extract.
-#}
{% for table, raw in raw_tables().items() if raw.json %}
    {% set is_last_table = loop.last %}
    {% for column in raw.json %}
        select
            '{{ table }}' as source_table,
            '{{ table }}.{{ column }}' as named,
            count(*) as row_count
        from {{ landing(table) }} as landed
        where landed.{{ column }} <> '' and {{ parsed_json("landed." ~ column) }} is null
        having count(*) > 0
        {% if not (is_last_table and loop.last) %}
            union all
        {% endif %}
    {% endfor %}
{% endfor %}
