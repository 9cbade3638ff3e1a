{#-
    `score` as a share of `maximum`, as a whole percentage, rounded up. Both are decimals with 6
    decimal places, and `maximum` is positive. It counts in whole millionths, so that 14/25 is 56
    and never 57.
    Why: whole division is `divide` in DuckDB (its `/` gives a float) and `div` in Postgres.
-#}
{% macro percent_rounded_up(score, maximum) %}
    {{ return(adapter.dispatch("percent_rounded_up", "exhaust")(score, maximum)) }}
{% endmacro %}

{% macro default__percent_rounded_up(score, maximum) %}
    cast(
        case
            -- The 128 bits that other values need take ten times as long.
            when {{ score }} between 0 and 99999 and {{ maximum }} <= 99999
            then {{ whole_percent_up(score, maximum, "decimal(11, 6)", "bigint") }}
            else {{ whole_percent_up(score, maximum, "decimal(38, 6)", "hugeint") }}
        end as decimal(38, 0)
    )
{% endmacro %}

{% macro whole_percent_up(score, maximum, decimal, whole_number) %}
    {%- set points = (
        "cast(cast(" ~ score ~ " as " ~ decimal ~ ") * 1000000 as " ~ whole_number ~ ")"
    ) -%}
    {%- set whole = (
        "cast(cast("
        ~ maximum
        ~ " as "
        ~ decimal
        ~ ") * 1000000 as "
        ~ whole_number
        ~ ")"
    ) -%}
    divide(100 * {{ points }} + {{ whole }} - 1, {{ whole }})
{% endmacro %}

{% macro postgres__percent_rounded_up(score, maximum) %}
    cast(
        div(
            {{ score }} * 100000000 + {{ maximum }} * 1000000 - 1, {{ maximum }} * 1000000
        ) as decimal(38, 0)
    )
{% endmacro %}

{% macro spark__percent_rounded_up(score, maximum) %}
    {%- set points -%}
        cast({{ score }} * 100000000 as decimal(38, 0))
    {%- endset -%}
    {%- set whole = "cast(" ~ maximum ~ " * 1000000 as decimal(38, 0))" -%}
    cast(
        ({{ points }} + {{ whole }} - 1 - mod({{ points }} + {{ whole }} - 1, {{ whole }}))
        / {{ whole }} as decimal(38, 0)
    )
{% endmacro %}
