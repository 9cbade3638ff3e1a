with
    source as (select * from {{ landing("user_enrolments") }}),

    kept as ({{ one_row_a_key("source", "user_enrolments") }}),

    renamed as (
        select
            kept.userid as user_id,
            kept.courseid as course_id,
            kept.batchid as batch_id,
            coalesce({{ truth("kept.active") }}, false) as is_active,
            coalesce(
                {{ utc_timestamp("kept.enrolled_date") }}, {{ utc_timestamp("kept.enrolleddate") }}
            ) as enrolled_at,
            {{ utc_timestamp("kept.completedon") }} as completed_at,
            {{ json_keys_with_value(parsed_json("kept.contentstatus"), 2) }}
            as completed_content_ids,
            {{ json_holds_any(parsed_json("kept.issued_certificates")) }}
            or {{ json_holds_any(parsed_json("kept.certificates")) }} as has_certificate
        from kept
    )

select *
from renamed
