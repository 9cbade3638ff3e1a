{#-
    What: a table that cannot be empty is, or the custodian organisation is not named.
    When it matters: always; the models below are not built.
    To resolve: load an extract that has them.
-#}
{% for table in ["user_enrolments", "course_batch", "content_hierarchy"] %}
    select '{{ table }} has no rows' as what_is_missing
    where not exists (select 1 from {{ landing(table) }})
    union all
{% endfor %}
select 'system_settings has no custodianOrgId' as what_is_missing
where
    not exists (
        select 1
        from {{ landing("system_settings") }} as landed
        where landed.id = 'custodianOrgId' and landed.value <> ''
    )
