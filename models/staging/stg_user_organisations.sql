with
    source as ({{ deduplicate("user_organisation") }}),

    renamed as (
        select
            source.userid as user_id,
            source.organisationid as organisation_id,
            coalesce({{ boolean("source.isdeleted") }}, false) as is_deleted
        from source
    )

select *
from renamed
