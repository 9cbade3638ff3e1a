{#-
    SELECT of the columns of a `kind` (see macros/raw_tables.sql) with texts that `read`, the macro
    of that kind, makes nothing of, and how many they have.
-#}
{% macro unreadable(kind, read) %}
    {%- set selects = [] %}
    {%- for table, raw in raw_tables().items() %}
        {%- for column in raw.get(kind, []) %}
            {%- set select %}
                select
                    '{{ table }}' as source_table,
                    '{{ table }}.{{ column }}' as named,
                    count(*) as row_count
                from {{ landing(table) }} as landed
                where landed.{{ column }} <> '' and {{ read("landed." ~ column) }} is null
                having count(*) > 0
            {%- endset %}
            {%- do selects.append(select) %}
        {%- endfor %}
    {%- endfor %}
    {{- selects | join(" union all ") }}
{% endmacro %}
