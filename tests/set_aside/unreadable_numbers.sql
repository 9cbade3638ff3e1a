{#-
    What: texts that are no number; they count as absent.
    When it matters: an attempt without a score is no attempt.
    To resolve: look at the column in the landing schema and at what wrote the extract.
-#}
{% for table, raw in raw_tables().items() if raw.number %}
    {% set is_last_table = loop.last %}
    {% for column in raw.number %}
        select
            '{{ table }}' as source_table,
            '{{ table }}.{{ column }}' as named,
            count(*) as row_count
        from {{ landing(table) }} as landed
        where landed.{{ column }} <> '' and {{ decimal_number("landed." ~ column) }} is null
        having count(*) > 0
        {% if not (is_last_table and loop.last) %}
            union all
        {% endif %}
    {% endfor %}
{% endfor %}
