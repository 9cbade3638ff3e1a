{#-
    What: texts that are joined in another order than the requested one.
    When it matters: User Type and User Sub Type are wrong.
    To resolve: check macros/portability/joined_texts.sql, or dbt's listagg, against these cases.
-#}
with
    cases(name, ordinal) as (values ('b', 1), ('c', 3), ('a', 2)),

    joined as (
        select {{ joined_texts("cases.name", "','", "order by cases.ordinal") }} as found from cases
    )

select joined.found
from joined
where joined.found <> 'b,a,c'
