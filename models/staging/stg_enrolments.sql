with
    source as ({{ deduplicate("user_enrolments", ref("exhaust", "stg_duplicate_enrolments")) }}),

    renamed as (
        select
            source.userid as user_id,
            source.courseid as course_id,
            source.batchid as batch_id,
            coalesce({{ boolean("source.active") }}, false) as is_active,
            coalesce(
                {{ utc_timestamp("source.enrolled_date") }},
                {{ utc_timestamp("source.enrolleddate") }}
            ) as enrolled_at,
            coalesce(
                nullif(source.enrolled_date, ''), nullif(source.enrolleddate, '')
            ) as enrolment_date_text,
            {{ utc_timestamp("source.completedon") }} as completed_at,
            nullif(source.completedon, '') as completion_date_text,
            {{ parsed_json("source.contentstatus") }} as content_status,
            {{ json_is_nonempty(parsed_json("source.issued_certificates")) }}
            or {{ json_is_nonempty(parsed_json("source.certificates")) }} as has_certificate,
            greatest(
                {{
                    json_latest_timestamp(
                        parsed_json("source.issued_certificates"), "lastIssuedOn"
                    )
                }},
                {{ json_latest_timestamp(parsed_json("source.certificates"), "lastIssuedOn") }}
            ) as certificate_issued_at,
            {{ utc_timestamp("source.datetime") }} as updated_at
        from source
    )

select *
from renamed
