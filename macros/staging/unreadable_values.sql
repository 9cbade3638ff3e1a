{#-
    SELECT of the columns of a `kind` (see macros/staging/raw_tables.sql) that have unreadable
    values, and how many. `read` is the macro of that kind; it returns null for an unreadable
    value.

    If most of a column is unreadable, the column is in an unknown format, and the report would be
    wrong. If there are such columns, only they are selected, with their share and an example, and
    the test fails (see tests/set_aside/_set_aside.yml).
-#}
{% macro unreadable_values(kind, read) %}
    with
        counted as (
            {%- set selects = [] %}
            {%- for table, raw in raw_tables().items() %}
                {%- for column in raw.get(kind, []) %}
                    {%- set select %}
                        select
                            '{{ table }}' as source_table,
                            '{{ table }}.{{ column }}' as column_name,
                            count(*) as value_count,
                            count(case when texts.is_unreadable then 1 end) as row_count,
                            min(
                                case
                                    when texts.is_unreadable then {{ bytewise("texts.beginning") }}
                                end
                            ) as example
                        from
                            (
                                select
                                    {{ excerpt("landed." ~ column) }} as beginning,
                                    {{ read("landed." ~ column) }} is null as is_unreadable
                                from {{ landing(table) }} as landed
                                where landed.{{ column }} not in ({{ empty_texts(kind) }})
                                {{ optimizer_fence() }}
                            ) as texts
                    {%- endset %}
                    {%- do selects.append(select) %}
                {%- endfor %}
            {%- endfor %}
            {{- selects | join(" union all ") }}
        ),

        judged as (
            select
                counted.*,
                {{ is_mostly_unreadable("counted.row_count", "counted.value_count") }}
                as is_mostly_unreadable
            from counted
            where counted.row_count > 0
        )

    select
        judged.source_table,
        case
            when judged.is_mostly_unreadable
            then
                judged.column_name
                || ': '
                || judged.row_count
                || ' of '
                || judged.value_count
                || ' values cannot be read, for example `'
                || judged.example
                || '`'
            else judged.column_name
        end as named,
        judged.row_count,
        judged.is_mostly_unreadable
    from judged
    where
        judged.is_mostly_unreadable
        or not exists (select 1 from judged as others where others.is_mostly_unreadable)
{% endmacro %}

{#-
    Whether so many unreadable values, out of all values, mean an unknown format rather than bad
    data.
-#}
{% macro is_mostly_unreadable(unreadable, values) %}
    (
        2 * {{ unreadable }} > {{ values }}
        and ({{ unreadable }} >= 10 or {{ unreadable }} = {{ values }})
    )
{% endmacro %}

{#- The texts that mean no value in a column of a kind. -#}
{% macro empty_texts(kind) %} {{ "'', 'null'" if kind == "json" else "''" }} {% endmacro %}

{#-
    A text as JSON if it is an object, a list or JSON null, as every JSON column of Sunbird is;
    otherwise null.
-#}
{% macro parsed_collection(text) %}
    case
        when
            substr(trim(leading ' ' || chr(9) || chr(10) || chr(13) from {{ text }}), 1, 1)
            in ('{', '[', 'n')
        then {{ parsed_json(text) }}
    end
{% endmacro %}
