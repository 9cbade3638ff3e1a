{#-
    A JSON text, number or boolean as text; null where it is anything else.

    A whole number of up to 18 digits is its digits. Any other number is written without an exponent
    and without zeros at its end, rounded to 6 places; null where it is 10^12 or more. Numbers with a
    fraction or an exponent are what the nearest 64-bit floating-point number is, as DuckDB knows no
    other.
    Why: each engine writes numbers in its own way.
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
                        -- Postgres makes no floating-point number of what is too near to zero.
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

{#- What Spark calls the type of a JSON value; null for objects and lists, as Spark would write down
    the types of all that is in them, and runs out of stack where they are deep. -#}
{% macro spark_scalar_type(json) %}
    case
        when
            try_variant_get({{ json }}, '$', 'array<variant>') is null
            and try_variant_get({{ json }}, '$', 'map<string, variant>') is null
        then schema_of_variant({{ json }})
    end
{% endmacro %}

{#- The text of a floating-point number as json_scalar_text wants it. -#}
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

{#- The text of a decimal of 6 places, without zeros at its end, if it is not too great. -#}
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
