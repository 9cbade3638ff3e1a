with
    source as (select * from {{ landing("user_organisation") }}),

    kept as ({{ one_row_a_key("source", "user_organisation") }}),

    renamed as (
        select
            kept.userid as user_id,
            kept.organisationid as organisation_id,
            coalesce({{ truth("kept.isdeleted") }}, false) as is_deleted
        from kept
    )

select *
from renamed
