{#-
    A text as JSON. It is null if RFC 8259 does not allow it, or if some engine could not hold it:
    with a NUL character (`\u0000`), a lone surrogate, a number of more than 1,000 characters, or
    more than 1,000 levels.
    Why: DuckDB's parser accepts NaN, infinity and trailing commas. Postgres' parser aborts the
    statement at some 16,000 levels, and parses `jsonb` once but `json` at every use. Spark's
    ignores whatever follows the value. Rare differences are looked for only where they are
    possible.
-#}
{% macro parsed_json(text) %}
    {{ return(adapter.dispatch("parsed_json", "exhaust")(text)) }}
{% endmacro %}

{% macro default__parsed_json(text) %}
    case
        when
            suffix({{ text }}, ',}')
            -- Commas are almost everywhere; a bracket closed before the end is rare.
            or (
                (strpos({{ text }}, '}') < strlen({{ text }}) or contains({{ text }}, ']'))
                and (contains({{ text }}, ',}') or contains({{ text }}, ',]'))
            )
            or contains({{ text }}, ' }')
            or contains({{ text }}, ' ]')
            or contains({{ text }}, chr(10))
            or contains({{ text }}, chr(13))
            or contains({{ text }}, chr(9))
            or contains({{ text }}, '\u0000')
            or (
                (contains({{ text }}, 'n') or contains({{ text }}, 'N'))
                and (contains(lower({{ text }}), 'nan') or contains(lower({{ text }}), 'inf'))
            )
            or strlen({{ text }}) > 2001
            or (strlen({{ text }}) > 1000 and {{ may_have_long_number(text) }})
        then case when {{ duckdb_is_strict_json(text) }} then {{ try_cast(text, "json") }} end
        else {{ try_cast(text, "json") }}
    end
{% endmacro %}

{#- Whether a text that DuckDB accepts as JSON is JSON that all engines can hold. -#}
{% macro duckdb_is_strict_json(text) %}
    not contains(replace({{ text }}, '\\', ''), '\u0000')
    and list_transform(
        [{{ without_strings(text) }}],
        lambda bare: not regexp_matches(bare, '(?i)nan|inf')
        and not regexp_matches(bare, ',\s*[]}]')
        and not {{ has_long_number("bare") }}
        and list_transform(
            [translate(regexp_replace(bare, '[^][{}]+', '', 'g'), '{}', '[]')],
            lambda brackets: case
                when strlen(brackets) <= 2000
                then true
                when contains(brackets, repeat('[', 1001))
                then false
                -- Each round removes the innermost level.
                else
                    list_reduce(
                        list_resize([brackets], 1001, ''),
                        lambda levels,
                        nothing:replace(levels, '[]', '') || nothing
                    )
                    = ''
            end
        )[1]
    )[1]
{% endmacro %}

{#- A JSON text with all its strings emptied. -#}
{% macro without_strings(text) %}
    regexp_replace(replace(replace({{ text }}, '\\', ''), '\"', ''), '"[^"]*"', '""', 'g')
{% endmacro %}

{#- Whether JSON with emptied strings has a number of more than 1,000 characters. -#}
{% macro has_long_number(bare) %}
    position(repeat('0', 1001) in translate({{ bare }}, '123456789.eE+-', '00000000000000')) > 0
{% endmacro %}

{#- Whether a text of at most 2,001 characters may have one: then 500 of them have no quote. -#}
{% macro may_have_long_number(text) %}
    (
        length({{ text }}) > 1000
        and (
            strpos(substr({{ text }}, 501, 500), '"') = 0
            or length({{ text }}) > 1500
            and strpos(substr({{ text }}, 1001, 500), '"') = 0
        )
    )
{% endmacro %}

{% macro postgres__parsed_json(text) %}
    case
        when not {{ postgres_cannot_parse(text) }}
        then
            case
                when pg_input_is_valid({{ text }}, 'jsonb')
                then cast({{ text }} as jsonb)
                when {{ text }} ~ '[eE][+-]?[0-9]{5}'
                then {{ try_cast(with_small_exponents(text), "jsonb") }}
            end
    end
{% endmacro %}

{#-
    Whether a text has too long a number or too many levels for Postgres' parser. Its strings are
    emptied to find out, but only if it has a stretch without a quote, or many brackets.
-#}
{% macro postgres_cannot_parse(text) %}
    case
        when length({{ text }}) <= 2001
        then
            {{ may_have_long_number(text) }}
            and {{ has_long_number(postgres_without_strings(text)) }}
        else
            (
                length({{ text }}) - length(replace(replace({{ text }}, '[', ''), '{', '')) > 1000
                or exists (
                    select 1
                    from
                        (select convert_to({{ text }}, 'UTF8') as bytes offset 0) as one,
                        generate_series(1, octet_length(one.bytes) / 500 - 1) as block
                    where
                        position('"'::bytea in substring(one.bytes from 500 * block + 1 for 500))
                        = 0
                )
            )
            and (
                select
                    {{ has_long_number("one.bare") }}
                    or {{ postgres_json_depth("one.bare") }} > 1000
                from (select {{ postgres_without_strings(text) }} as bare offset 0) as one
            )
    end
{% endmacro %}

{#- How deeply the brackets of JSON with emptied strings are nested; 0 if there are none. -#}
{% macro postgres_json_depth(bare) %}
    (
        select coalesce(max(steps.depth), 0)
        from
            (
                select
                    sum(case when chars.bracket in ('[', '{') then 1 else -1 end) over (
                        order by chars.ordinal
                    ) as depth
                from string_to_table(regexp_replace({{ bare }}, '[^][{}]+', '', 'g'), null)
                with ordinality as chars(bracket, ordinal)
            ) as steps
    )
{% endmacro %}

{#- The same as without_strings, whatever `standard_conforming_strings` is. -#}
{% macro postgres_without_strings(text) %}
    regexp_replace(
        replace(
            replace({{ text }}, {{ sql_literal("\\\\", "postgres") }}, ''),
            {{ sql_literal('\\"', "postgres") }},
            ''
        ),
        '"[^"]*"',
        '""',
        'g'
    )
{% endmacro %}

{#-
    A JSON text whose exponents are cut to as many digits as Postgres accepts. Such numbers are too
    large, or too close to zero, before and after.
-#}
{% macro with_small_exponents(text) %}
    {%- set not_in_strings = '("(?:[^"\\\\]|\\\\.)*")' -%}
    {%- set kept = sql_literal("\\1\\2", "postgres") -%}
    regexp_replace(
        regexp_replace(
            {{ text }},
            {{ sql_literal(not_in_strings ~ "|([eE]-0*[1-9][0-9]{3})[0-9]+", "postgres") }},
            {{ kept }},
            'g'
        ),
        {{ sql_literal(not_in_strings ~ "|([eE][+]?0*[1-9][0-9]{4})[0-9]+", "postgres") }},
        {{ kept }},
        'g'
    )
{% endmacro %}


{#-
    Spark ignores what follows a value. So the text is read as the first element of an array that
    ends with a marker, which no text can contain itself.
-#}
{% macro spark__parsed_json(text) %}
    {%- set end -%} cast(xxhash64({{ text }}) as string) {%- endset -%}
    case
        when contains(replace({{ text }}, '\\\\', ''), '\\u0000')
        then null
        when
            {{ text }} rlike '[0-9.eE+-]{1001}'
            and {{ has_long_number(spark_without_strings(text)) }}
        then null
        else
            coalesce(
                transform(
                    array(try_parse_json('[' || {{ text }} || ',"' || {{ end }} || '"]')),
                    parsed -> case
                        when try_variant_get(parsed, '$[1]', 'string') = {{ end }}
                        then try_variant_get(parsed, '$[0]', 'variant')
                    end
                )[0],
                {{ spark_json_of_1000_levels(text, end) }}
            )
    end
{% endmacro %}

{#- The same as without_strings. In Spark's literals, backslashes are written twice. -#}
{% macro spark_without_strings(text) %}
    regexp_replace(replace(replace({{ text }}, '\\\\', ''), '\\"', ''), '"[^"]*"', '""')
{% endmacro %}

{#-
    Spark reads 1,000 levels, of which the array around the text takes one. If the text may have
    that many levels, the marker goes into its own outermost level.
-#}
{% macro spark_json_of_1000_levels(text, end) %}
    case
        when length({{ text }}) - length(translate({{ text }}, '[{', '')) >= 1000
        then
            transform(
                array(trim(both ' \t\n\r' from {{ text }})),
                trimmed -> case
                    when
                        startswith(trimmed, '[')
                        and endswith(trimmed, ']')
                        and try_variant_get(
                            try_element_at(
                                try_variant_get(
                                    try_parse_json(
                                        substr(trimmed, 1, length(trimmed) - 1)
                                        || ',"'
                                        || {{ end }}
                                        || '"]'
                                    ),
                                    '$',
                                    'array<variant>'
                                ),
                                -1
                            ),
                            '$',
                            'string'
                        )
                        = {{ end }}
                    then try_parse_json(trimmed)
                    when
                        startswith(trimmed, '{')
                        and endswith(trimmed, '}')
                        and map_contains_key(
                            try_variant_get(
                                try_parse_json(
                                    substr(trimmed, 1, length(trimmed) - 1)
                                    || ',"'
                                    || {{ end }}
                                    || '":1}'
                                ),
                                '$',
                                'map<string, variant>'
                            ),
                            {{ end }}
                        )
                    then try_parse_json(trimmed)
                end
            )[0]
    end
{% endmacro %}
