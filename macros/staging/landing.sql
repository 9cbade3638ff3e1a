{#-
    A raw table: the one that `exhaust load` loaded or, with `--vars 'sample: true'`, the seed of
    the same name. Seeds need `ref`, so that dbt builds them before the models that read them.
-#}
{% macro landing(table) %}
    {%- if var("sample", false) -%} {{ ref("exhaust", table) }}
    {%- else -%} {{ source("exhaust_landing", table) }}
    {%- endif -%}
{% endmacro %}

{#- The time of the newest load of a table, for source freshness. -#}
{% macro newest_load(table) %}
    select max(loaded_at)
    from {{ source("exhaust_landing", "loads") }}
    where table_name = '{{ table }}'
{% endmacro %}
