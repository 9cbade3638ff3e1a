{#-
    A JSON string, number or boolean as text; null for anything else.

    A whole number of up to 18 digits keeps its digits. Any other number is written without an
    exponent or trailing zeros, rounded to 6 decimal places; it is null from 10^12 on. Numbers with
    a fraction or an exponent are read as the nearest 64-bit floating-point number, because DuckDB
    has no other.
    Why: each engine writes numbers differently.
-#}
{% macro json_scalar_text(json) %}
    {{ return(adapter.dispatch("json_scalar_text", "exhaust")(json)) }}
{% endmacro %}

{% macro default__json_scalar_text(json) %}
    list_transform(
        [{{ json }}],
        lambda value: case
            json_type(value)
            when 'VARCHAR'
            then value ->> '$'
            when 'BOOLEAN'
            then value ->> '$'
            when 'UBIGINT'
            then case when strlen(value ->> '$') <= 18 then value ->> '$' end
            when 'BIGINT'
            then case when strlen(value ->> '$') <= 19 then value ->> '$' end
            when 'DOUBLE'
            then {{ plain_number("(value ->> '$')") }}
        end
    )[1]
{% endmacro %}

{% macro postgres__json_scalar_text(json) %}
    (
        select
            case
                jsonb_typeof(one.value)
                when 'string'
                then one.value #>> '{}'
                when 'boolean'
                then one.value #>> '{}'
                when 'number'
                then
                    case
                        when abs(cast(one.value as numeric)) >= 1000000000000000000
                        then null
                        when strpos(one.value #>> '{}', '.') = 0
                        then one.value #>> '{}'
                        -- Postgres cannot convert numbers that are too close to zero.
                        when abs(cast(one.value as numeric)) < 0.0000001
                        then '0'
                        else
                            {{
                                plain_number(
                                    "cast(cast(cast(one.value as numeric) as double precision) as text)"
                                )
                            }}
                    end
            end
        from (select {{ json }} as value offset 0) as one
    )
{% endmacro %}

{% macro spark__json_scalar_text(json) %}
    transform(
        array({{ json }}),
        value -> case
            when {{ spark_scalar_type("value") }} in ('STRING', 'BOOLEAN')
            then try_variant_get(value, '$', 'string')
            when {{ spark_scalar_type("value") }} = 'BIGINT'
            then
                case
                    when length(replace(try_variant_get(value, '$', 'string'), '-', '')) <= 18
                    then try_variant_get(value, '$', 'string')
                end
            when {{ spark_scalar_type("value") }} rlike '^(DOUBLE|DECIMAL)'
            then {{ plain_number("cast(try_variant_get(value, '$', 'double') as string)") }}
        end
    )[0]
{% endmacro %}

{#-
    What Spark calls the type of a JSON value; null for objects and lists, because Spark would
    write down the types of everything in them, and run out of stack if they are deep.
-#}
{% macro spark_scalar_type(json) %}
    case
        when
            try_variant_get({{ json }}, '$', 'array<variant>') is null
            and try_variant_get({{ json }}, '$', 'map<string, variant>') is null
        then schema_of_variant({{ json }})
    end
{% endmacro %}

{#- The text of a floating-point number, as json_scalar_text writes it. -#}
{% macro plain_number(text) %}
    {{ return(adapter.dispatch("plain_number", "exhaust")(text)) }}
{% endmacro %}

{% macro default__plain_number(text) %}
    list_transform(
        [
            case
                when lower({{ text }}) like '%e%'
                then {{ try_cast(without_exponent(text), "decimal(38, 6)") }}
                else {{ try_cast(text, "decimal(38, 6)") }}
            end
        ],
        lambda number:{{ number_if_plain("number") }}
    )[1]
{% endmacro %}

{% macro postgres__plain_number(text) %}
    (
        select {{ number_if_plain("rounded.number") }}
        from (select round(cast({{ text }} as numeric), 6) as number offset 0) as rounded
    )
{% endmacro %}

{% macro spark__plain_number(text) %}
    transform(
        array({{ try_cast(text, "decimal(38, 6)") }}), number -> {{ number_if_plain("number") }}
    )[0]
{% endmacro %}

{#-
    The text of a decimal with 6 decimal places, without trailing zeros; null if it is too large.
-#}
{% macro number_if_plain(number) %}
    case
        when
            abs({{ number }}) < 1000000000000
            or (abs({{ number }}) < 1000000000000000000 and {{ number }} = floor({{ number }}))
        then
            trim(
                trailing '.'
                from trim(trailing '0' from cast({{ number }} as {{ dbt.type_string() }}))
            )
    end
{% endmacro %}
