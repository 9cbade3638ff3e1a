{#-
    SELECT of the listed columns of a raw `table` (see macros/raw_tables.sql) from `relation`, a CTE
    over it, with one row a key.

    Rows without a whole key are left out. Of several rows under a key the one with the latest
    `latest` counts, else the one whose columns, in their order, are greatest by their bytes;
    tests/set_aside counts the others.

    Only keys that stand twice are sorted: a window over all rows would sort whole enrolments,
    with their JSON, to find that nearly every key stands once.
-#}
{% macro one_row_a_key(relation, table) %}
    {%- set key = raw_tables()[table].key %}
    {%- set columns = raw_tables()[table].columns %}
    {%- set latest = raw_tables()[table].latest %}
    select
        {%- for column in columns %}
            {{ relation }}.{{ column }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ relation }}
    left join
        ({{ keys_standing_twice(relation, key) }}) as repeated
        on {{ same_key(relation, "repeated", key) }}
    where
        repeated.{{ key[0] }} is null
        {%- for column in key %} and {{ relation }}.{{ column }} <> ''{% endfor %}
    union all
    select
        {%- for column in columns %}
            ranked.{{ column }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from
        (
            select
                {%- for column in columns %} {{ relation }}.{{ column }},{% endfor %}
                row_number() over (
                    partition by
                        {%- for column in key %}
                            {{ relation }}.{{ column }}{% if not loop.last %},{% endif %}
                        {%- endfor %}
                    order by
                        {%- if latest %}
                            {{ utc_timestamp(relation ~ "." ~ latest) }} desc nulls last,
                        {%- endif %}
                        {%- for column in columns %}
                            {{ bytewise(relation ~ "." ~ column) }} desc nulls last
                            {%- if not loop.last %},{% endif %}
                        {%- endfor %}
                ) as place
            from {{ relation }}
            inner join
                ({{ keys_standing_twice(relation, key) }}) as repeated
                on {{ same_key(relation, "repeated", key) }}
        ) as ranked
    where ranked.place = 1
{% endmacro %}

{#- SELECT of the whole keys that stand on more than one row of `relation`. -#}
{% macro keys_standing_twice(relation, key) %}
    select {{ key | join(", ") }}
    from {{ relation }}
    where
        {% for column in key %} {{ column }} <> ''{% if not loop.last %} and{% endif %} {% endfor %}
    group by {{ key | join(", ") }}
    having count(*) > 1
{% endmacro %}

{#- The condition that two relations agree on a key. -#}
{% macro same_key(left, right, key) %}
    {%- for column in key %}
        {{ left }}.{{ column }} = {{ right }}.{{ column }}{% if not loop.last %} and {% endif %}
    {%- endfor %}
{% endmacro %}
