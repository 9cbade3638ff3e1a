{#-
    What: hierarchies of drafts (`<id>.img`); the published one counts, where there is one.
    When it matters: rarely, Sunbird keeps a draft beside every course being edited.
    To resolve: nothing to do, unless enrolments of the same course are counted as course unknown.
-#}
select 'content_hierarchy' as source_table, landed.identifier as named, count(*) as row_count
from {{ landing("content_hierarchy") }} as landed
where landed.identifier like '%.img'
group by landed.identifier
