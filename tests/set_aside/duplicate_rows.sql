{#-
    What: rows that differ from another row with the same key. One of them counts, and these do
    not.
    When it matters: a little, always: rows were written while the extract was taken. A lot, if the
    row that counts is not the newest state of a learner.
    To resolve: take the extract again, or look at the key in the landing schema.
-#}
{% for table, raw in raw_tables().items() %}
    select
        '{{ table }}' as source_table,
        '{{ table }}: ' || {{ table_key("copies", raw.key) }} as named,
        count(*) - 1 as row_count
    from
        (
            select distinct {{ raw.columns | join(", ") }}
            from {{ landing(table) }} as landed
            inner join
                ({{ duplicate_keys(table, raw.key) }}) as duplicates using (
                    {{ raw.key | join(", ") }}
                )
        ) as copies
    group by {{ raw.key | join(", ") }}
    having count(*) > 1
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
