{#-
    `score` as a share of `maximum` in whole percent, rounded up; both are decimals of 6 places, the
    maximum is positive. Counted in whole millionths, so that 14/25 is 56 and never 57.
    Why: whole division is `divide` in DuckDB (its `/` gives a float) and `div` in Postgres.
-#}
{% macro percent_rounded_up(score, maximum) %}
    {{ return(adapter.dispatch("percent_rounded_up", "exhaust")(score, maximum)) }}
{% endmacro %}

{% macro default__percent_rounded_up(score, maximum) %}
    {%- set points = "cast(cast(" ~ score ~ " as decimal(38, 6)) * 1000000 as hugeint)" -%}
    {%- set whole = "cast(cast(" ~ maximum ~ " as decimal(38, 6)) * 1000000 as hugeint)" -%}
    cast(divide(100 * {{ points }} + {{ whole }} - 1, {{ whole }}) as decimal(38, 0))
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
