{#-
    A text as a decimal with 6 decimal places, rounded half away from zero. It is null unless the
    text is a number below 10^12, written as digits with an optional sign, fraction and exponent
    (so NaN and infinity are null).
    Why: DuckDB's cast mishandles exponents (8540712549.65e+3 passes decimal(18, 6) with 13
    digits), so there the decimal point is moved in the text first.
-#}
{% macro decimal_number(text) %}
    {{ return(adapter.dispatch("decimal_number", "exhaust")(text)) }}
{% endmacro %}

{% macro decimal_number_form() %}
    {{ return("^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$") }}
{% endmacro %}

{% macro default__decimal_number(text) %}
    case
        -- Only digits and a point: no regular expression is needed.
        when ltrim({{ text }}, '0123456789.') = ''
        then {{ try_cast(text, "decimal(18, 6)") }}
        when not {{ text }} ~ '{{ decimal_number_form() }}'
        then null
        when lower({{ text }}) like '%e%'
        then {{ try_cast(without_exponent(text), "decimal(18, 6)") }}
        else {{ try_cast(text, "decimal(18, 6)") }}
    end
{% endmacro %}

{% macro postgres__decimal_number(text) %}
    case
        -- Only digits and a point: no regular expression is needed.
        when ltrim({{ text }}, '0123456789.') = ''
        then {{ try_cast(text, "decimal(18, 6)") }}
        when {{ text }} ~ '{{ decimal_number_form() }}'
        then {{ try_cast(text, "decimal(18, 6)") }}
    end
{% endmacro %}

{#-
    A number with an exponent, as text without one. Sixty zeros on both sides of the digits are
    enough: a number that needs more is zero after rounding, or too large.
-#}
{% macro without_exponent(text) %}
    {%- set whole_digits = "regexp_extract(" ~ text ~ ", '^[+-]?([0-9]*)', 1)" -%}
    {%- set digits = (
        "repeat('0', 60) || "
        ~ whole_digits
        ~ " || regexp_extract("
        ~ text
        ~ ", '[.]([0-9]*)', 1) || repeat('0', 60)"
    ) -%}
    {%- set exponent = try_cast("regexp_extract(" ~ text ~ ", '[eE](.*)$', 1)", "integer") -%}
    {%- set point_position = (
        "60 + length(" ~ whole_digits ~ ") + cast(" ~ exponent ~ " as bigint)"
    ) -%}
    {%- set point = (
        "case when " ~ point_position ~ " < 0 then 0 else " ~ point_position ~ " end"
    ) -%}
    regexp_extract({{ text }}, '^[+-]?', 0)
    || substr({{ digits }}, 1, {{ point }})
    || '.'
    || substr({{ digits }}, {{ point }} + 1)
{% endmacro %}

{% macro spark__decimal_number(text) %}
    case
        when {{ text }} rlike '{{ decimal_number_form() }}'
        then {{ try_cast(text, "decimal(18, 6)") }}
    end
{% endmacro %}
