{#-
    What: texts that are no timestamp in a form that Sunbird writes; they count as absent.
    When it matters: an enrolment without a date is left out, a completion without one does not count.
    To resolve: look at the column in the landing schema and at what wrote the extract.
-#}
{% for table, raw in raw_tables().items() if raw.timestamp %}
    {% set is_last_table = loop.last %}
    {% for column in raw.timestamp %}
        select
            '{{ table }}' as source_table,
            '{{ table }}.{{ column }}' as named,
            count(*) as row_count
        from {{ landing(table) }} as landed
        where landed.{{ column }} <> '' and {{ utc_timestamp("landed." ~ column) }} is null
        having count(*) > 0
        {% if not (is_last_table and loop.last) %}
            union all
        {% endif %}
    {% endfor %}
{% endfor %}
