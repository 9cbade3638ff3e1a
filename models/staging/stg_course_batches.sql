with
    source as ({{ deduplicate("course_batch") }}),

    renamed as (
        select
            source.courseid as course_id,
            source.batchid as batch_id,
            nullif(source.name, '') as batch_name,
            nullif(source.createdby, '') as created_by,
            {{ json_texts(parsed_json("source.mentors")) }} as mentors,
            coalesce(
                {{ utc_timestamp("source.start_date") }}, {{ utc_timestamp("source.startdate") }}
            ) as starts_at,
            coalesce(
                {{ utc_timestamp("source.end_date") }}, {{ utc_timestamp("source.enddate") }}
            ) as ends_at,
            case
                {{ decimal_number("source.status") }}
                when 0
                then 'Upcoming'
                when 1
                then 'Live'
                when 2
                then 'Expired'
            end as status
        from source
    )

select *
from renamed
