{#-
    A text as a decimal of 6 places, rounded half away from zero; null where it is no number below
    10^12 of digits with sign, fraction and exponent (so NaN and infinity are none).
    Why: DuckDB's cast goes wrong on exponents at the edge of a type (8540712549.65e+3 passes
    decimal(18, 6) with 13 digits), so that they take the way over a wider one.
-#}
{% macro decimal_number(text) %}
    {{ return(adapter.dispatch("decimal_number", "exhaust")(text)) }}
{% endmacro %}

{% macro decimal_number_form() %}
    {{ return("^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$") }}
{% endmacro %}

{% macro default__decimal_number(text) %}
    {%- set wide = attempted_cast(text, "decimal(38, 18)") -%}
    case
        when not {{ text }} ~ '{{ decimal_number_form() }}'
        then null
        when lower({{ text }}) like '%e%'
        then
            case
                when abs(round({{ wide }}, 6)) < 1000000000000
                then cast(round({{ wide }}, 6) as decimal(18, 6))
            end
        else {{ attempted_cast(text, "decimal(18, 6)") }}
    end
{% endmacro %}

{% macro postgres__decimal_number(text) %}
    case
        when {{ text }} ~ '{{ decimal_number_form() }}'
        then {{ attempted_cast(text, "decimal(18, 6)") }}
    end
{% endmacro %}
