with
    source as ({{ deduplicate("user_enrolments", ref("exhaust", "stg_duplicate_enrolments")) }}),

    with_json as (
        select
            source.*,
            {{ parsed_json("source.issued_certificates") }} as new_certificates,
            {{ parsed_json("source.certificates") }} as old_certificates
        from source
    ),

    renamed as (
        select
            with_json.userid as user_id,
            with_json.courseid as course_id,
            with_json.batchid as batch_id,
            coalesce({{ boolean("with_json.active") }}, false) as is_active,
            coalesce(
                {{ utc_timestamp("with_json.enrolled_date") }},
                {{ utc_timestamp("with_json.enrolleddate") }}
            ) as enrolled_at,
            coalesce(
                nullif(with_json.enrolled_date, ''), nullif(with_json.enrolleddate, '')
            ) as enrolment_date_text,
            {{ utc_timestamp("with_json.completedon") }} as completed_at,
            nullif(with_json.completedon, '') as completion_date_text,
            {{ parsed_json("with_json.contentstatus") }} as content_status,
            {{ json_is_nonempty("with_json.new_certificates") }}
            or {{ json_is_nonempty("with_json.old_certificates") }} as has_certificate,
            greatest(
                {{ json_latest_timestamp("with_json.new_certificates", "lastIssuedOn") }},
                {{ json_latest_timestamp("with_json.old_certificates", "lastIssuedOn") }}
            ) as certificate_issued_at,
            {{ utc_timestamp("with_json.datetime") }} as updated_at
        from with_json
    )

select *
from renamed
