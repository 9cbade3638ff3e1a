{#-
    SELECT of the columns of a raw `table` (see macros/staging/raw_tables.sql), with one row per
    key.

    Rows with an incomplete key are left out. For duplicate keys, keep the row with the newest
    `latest`; break ties by comparing all columns bytewise, greatest first. tests/set_aside counts
    the other rows.

    Only duplicate keys are sorted. A window over all rows would sort whole enrolments, with their
    JSON, although almost every key is unique. `duplicates` names a model that has the duplicate
    keys; without it, they are found here. Large tables have such a model, so that their keys are
    searched only once, and the planner knows how few duplicates there are.

    The raw table is named wherever it is read: a CTE would be written out before its second use.
-#}
{% macro deduplicate(table, duplicates=none) %}
    {%- set key = raw_tables()[table].key %}
    {%- set columns = raw_tables()[table].columns %}
    {%- set latest = raw_tables()[table].latest %}
    {%- set duplicates = duplicates or "(" ~ duplicate_keys(table, key) ~ ")" %}
    select
        {%- for column in columns %}
            landed.{{ column }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ landing(table) }} as landed
    left join {{ duplicates }} as duplicates on {{ same_key("landed", "duplicates", key) }}
    where
        duplicates.{{ key[0] }} is null
        {%- for column in key %} and landed.{{ column }} <> ''{% endfor %}
    union all
    select
        {%- for column in columns %}
            ranked.{{ column }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from
        (
            select
                {%- for column in columns %} landed.{{ column }},{% endfor %}
                row_number() over (
                    partition by
                        {%- for column in key %}
                            landed.{{ column }}{% if not loop.last %},{% endif %}
                        {%- endfor %}
                    order by
                        {%- if latest %}
                            {{ utc_timestamp("landed." ~ latest) }} desc nulls last,
                        {%- endif %}
                        {%- for column in columns %}
                            {{ bytewise("landed." ~ column) }} desc nulls last
                            {%- if not loop.last %},{% endif %}
                        {%- endfor %}
                ) as rank
            from {{ landing(table) }} as landed
            inner join {{ duplicates }} as duplicates on {{ same_key("landed", "duplicates", key) }}
        ) as ranked
    where ranked.rank = 1
{% endmacro %}

{#-
    SELECT of the complete keys that several rows of a raw `table` share. Their hashes are counted
    first: grouping by the keys themselves takes three times as long.
-#}
{% macro duplicate_keys(table, key) %}
    {%- set is_complete %}
        {% for column in key %} {{ column }} <> ''{% if not loop.last %} and{% endif %} {% endfor %}
    {%- endset %}
    select {{ key | join(", ") }}
    from {{ landing(table) }} as landed
    where
        {{ is_complete }}
        and {{ hash_of(key) }} in (
            select hashed.key_hash
            from
                (
                    select {{ hash_of(key) }} as key_hash
                    from {{ landing(table) }} as landed
                    where {{ is_complete }}
                ) as hashed
            group by hashed.key_hash
            having count(*) > 1
        )
    group by {{ key | join(", ") }}
    having count(*) > 1
{% endmacro %}

{#- The condition that two relations agree on a key. -#}
{% macro same_key(left, right, key) %}
    {%- for column in key %}
        {{ left }}.{{ column }} = {{ right }}.{{ column }}{% if not loop.last %} and {% endif %}
    {%- endfor %}
{% endmacro %}
