with
    source as ({{ one_row_a_key("user_organisation") }}),

    renamed as (
        select
            source.userid as user_id,
            source.organisationid as organisation_id,
            coalesce({{ truth("source.isdeleted") }}, false) as is_deleted
        from source
    )

select *
from renamed
