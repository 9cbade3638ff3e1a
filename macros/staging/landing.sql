{#-
    A raw table: the one that `exhaust load` landed, or, with `--vars 'sample: true'`, the seed of
    the same name. A seed needs `ref`, so that dbt builds it before the models that read it.
-#}
{% macro landing(table) %}
    {%- if var("sample", false) -%} {{ ref(table) }}
    {%- else -%} {{ source("sunbird", table) }}
    {%- endif -%}
{% endmacro %}

{#- The time of the newest load of a table, for source freshness. -#}
{% macro newest_load(table) %}
    select max(loaded_at) from {{ source("sunbird", "loads") }} where table_name = '{{ table }}'
{% endmacro %}
