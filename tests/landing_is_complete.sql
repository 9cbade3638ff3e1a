{#-
    What: required tables that are empty, or a missing ID of the custodian organisation.
    When it matters: always. The models that need them are not built.
    To resolve: load an extract that has them.
-#}
{{ config(store_failures=true, schema="set_aside") }}

{% for table in ["user_enrolments", "course_batch", "content_hierarchy"] %}
    select '{{ table }}' as source_table, '{{ table }} has no rows' as named, 1 as row_count
    where not exists (select 1 from {{ landing(table) }})
    union all
{% endfor %}
select 'system_settings', 'system_settings has no custodianOrgId', 1
where
    not exists (
        select 1
        from {{ landing("system_settings") }} as landed
        where landed.id = 'custodianOrgId' and landed.value <> ''
    )
