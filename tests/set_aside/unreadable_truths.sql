{#-
    What: texts that are neither true nor false; such an enrolment is inactive, such a membership stands.
    When it matters: an enrolment left out as inactive may be an active one.
    To resolve: look at the column in the landing schema and at what wrote the extract.
-#}
{% for table, raw in raw_tables().items() if raw.truth %}
    {% set is_last_table = loop.last %}
    {% for column in raw.truth %}
        select
            '{{ table }}' as source_table,
            '{{ table }}.{{ column }}' as named,
            count(*) as row_count
        from {{ landing(table) }} as landed
        where landed.{{ column }} <> '' and {{ truth("landed." ~ column) }} is null
        having count(*) > 0
        {% if not (is_last_table and loop.last) %}
            union all
        {% endif %}
    {% endfor %}
{% endfor %}
