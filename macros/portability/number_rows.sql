{#-
    SELECT of the rows of a CTE with their row number as `alias`: from 1, ordered bytewise by the
    columns `group_by`, then `order_by`.
    Why: to number all rows, Spark would sort them in one task. There, rows are numbered within
    their group, starting after the rows of the groups before it.
-#}
{% macro number_rows(relation, group_by, order_by, alias) %}
    {{ return(adapter.dispatch("number_rows", "exhaust")(relation, group_by, order_by, alias)) }}
{% endmacro %}

{% macro default__number_rows(relation, group_by, order_by, alias) %}
    select
        row_number() over (
            order by
                {%- for column in group_by + order_by %}
                    {{ bytewise(relation ~ "." ~ column) }}{% if not loop.last %},{% endif %}
                {%- endfor %}
        ) as {{ alias }},
        {{ relation }}.*
    from {{ relation }}
{% endmacro %}

{% macro spark__number_rows(relation, group_by, order_by, alias) %}
    {%- set groups = group_by | join(", ") %}
    select
        coalesce(counted.rows_before, 0) + row_number() over (
            partition by
                {%- for column in group_by %}
                    {{ relation }}.{{ column }}{% if not loop.last %},{% endif %}
                {%- endfor %}
            order by
                {%- for column in order_by %}
                    {{ relation }}.{{ column }}{% if not loop.last %},{% endif %}
                {%- endfor %}
        ) as {{ alias }},
        {{ relation }}.*
    from {{ relation }}
    inner join
        (
            select
                {{ groups }},
                sum(count(*)) over (
                    order by {{ groups }} rows between unbounded preceding and 1 preceding
                ) as rows_before
            from {{ relation }}
            group by {{ groups }}
        ) as counted
        on {{ same_key(relation, "counted", group_by) }}
{% endmacro %}
