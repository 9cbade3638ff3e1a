{#-
    SELECT of the listed columns of a raw `table` (see macros/staging/raw_tables.sql), with one row a key.

    Rows without a whole key are left out. Of several rows under a key the one with the latest
    `latest` counts, else the one whose columns, in their order, are greatest by their bytes;
    tests/set_aside counts the others.

    Only keys that stand twice are sorted: a window over all rows would sort whole enrolments,
    with their JSON, to find that nearly every key stands once. `repeated` names a model with those
    keys; without one they are found here. A large table has one, so that its keys are gone through
    once, and the planner knows how few there are. The raw table is named wherever it is read: a CTE
    over it would be written out whole before it is read the second time.
-#}
{% macro one_row_a_key(table, repeated=none) %}
    {%- set key = raw_tables()[table].key %}
    {%- set columns = raw_tables()[table].columns %}
    {%- set latest = raw_tables()[table].latest %}
    {%- set repeated = repeated or "(" ~ keys_standing_twice(table, key) ~ ")" %}
    select
        {%- for column in columns %}
            landed.{{ column }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ landing(table) }} as landed
    left join {{ repeated }} as repeated on {{ same_key("landed", "repeated", key) }}
    where
        repeated.{{ key[0] }} is null
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
                ) as place
            from {{ landing(table) }} as landed
            inner join {{ repeated }} as repeated on {{ same_key("landed", "repeated", key) }}
        ) as ranked
    where ranked.place = 1
{% endmacro %}

{#-
    SELECT of the whole keys that stand on more than one row of a raw `table`. Their hashes are
    counted first: to gather all keys takes three times as long as to gather a number for each.
-#}
{% macro keys_standing_twice(table, key) %}
    {%- set is_whole %}
        {% for column in key %} {{ column }} <> ''{% if not loop.last %} and{% endif %} {% endfor %}
    {%- endset %}
    select {{ key | join(", ") }}
    from {{ landing(table) }} as landed
    where
        {{ is_whole }}
        and {{ hash_of(key) }} in (
            select hashed.key_hash
            from
                (
                    select {{ hash_of(key) }} as key_hash
                    from {{ landing(table) }} as landed
                    where {{ is_whole }}
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
