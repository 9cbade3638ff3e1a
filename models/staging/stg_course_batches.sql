with
    source as (select * from {{ landing("course_batch") }}),

    kept as ({{ one_row_a_key("source", "course_batch") }}),

    renamed as (
        select
            kept.courseid as course_id,
            kept.batchid as batch_id,
            nullif(kept.name, '') as batch_name,
            nullif(kept.createdby, '') as created_by,
            {{ json_texts(parsed_json("kept.mentors")) }} as mentors,
            coalesce(
                {{ utc_timestamp("kept.start_date") }}, {{ utc_timestamp("kept.startdate") }}
            ) as starts_at,
            coalesce(
                {{ utc_timestamp("kept.end_date") }}, {{ utc_timestamp("kept.enddate") }}
            ) as ends_at,
            case
                {{ decimal_number("kept.status") }}
                when 0
                then 'Upcoming'
                when 1
                then 'Live'
                when 2
                then 'Expired'
            end as status
        from kept
    )

select *
from renamed
