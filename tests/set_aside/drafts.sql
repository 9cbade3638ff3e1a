{#-
    What: hierarchies of drafts (`<id>.img`). If the course has a published one, that one counts.
    When it matters: rarely. Sunbird keeps a draft of every course that is being edited.
    To resolve: nothing to do, unless enrolments in the same course are counted as course unknown.
-#}
select 'content_hierarchy' as source_table, landed.identifier as named, count(*) as row_count
from {{ landing("content_hierarchy") }} as landed
where landed.identifier like '%.img'
group by landed.identifier
