{#-
    `part` as a share of `whole`, as a whole percentage, rounded half up; both are whole numbers,
    and `whole` is positive.
    Why: whole division is `divide` in DuckDB (its `/` gives a float) and `div` in Postgres.
-#}
{% macro percent_rounded_half_up(part, whole) %}
    {{ return(adapter.dispatch("percent_rounded_half_up", "exhaust")(part, whole)) }}
{% endmacro %}

{% macro default__percent_rounded_half_up(part, whole) %}
    cast(divide(200 * cast({{ part }} as hugeint) + {{ whole }}, 2 * {{ whole }}) as integer)
{% endmacro %}

{% macro postgres__percent_rounded_half_up(part, whole) %}
    cast(
        div(
            200 * cast({{ part }} as numeric) + {{ whole }}, 2 * cast({{ whole }} as numeric)
        ) as integer
    )
{% endmacro %}

{% macro spark__percent_rounded_half_up(part, whole) %}
    cast((200 * {{ part }} + {{ whole }}) div(2 * {{ whole }}) as integer)
{% endmacro %}
