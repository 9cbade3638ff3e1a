with
    source as (
        {{ deduplicate("assessment_aggregator", ref("exhaust", "stg_duplicate_attempts")) }}
    ),

    renamed as (
        select
            source.user_id,
            source.course_id,
            source.batch_id,
            source.content_id,
            source.attempt_id,
            {{ decimal_number("source.total_score") }} as total_score,
            {{ decimal_number("source.total_max_score") }} as total_max_score,
            coalesce(
                {{ utc_timestamp("source.last_attempted_on") }},
                {{ utc_timestamp("source.updated_on") }}
            ) as attempted_at
        from source
    )

select *
from renamed
