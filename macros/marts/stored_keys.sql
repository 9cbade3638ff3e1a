{#-
    A SELECT of the keys of a mart's rows, with the position at which each is stored. No row where
    tables have no order.
-#}
{% macro stored_keys(mart) -%}
    select course_id, batch_id, user_id, {{ physical_row_number() }} as row_number
    from {{ mart }}
    where {{ physical_row_number() }} is not null
{%- endmacro %}
