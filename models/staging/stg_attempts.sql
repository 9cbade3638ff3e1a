with
    source as (select * from {{ landing("assessment_aggregator") }}),

    kept as ({{ one_row_a_key("source", "assessment_aggregator") }}),

    renamed as (
        select
            kept.user_id,
            kept.course_id,
            kept.batch_id,
            kept.content_id,
            kept.attempt_id,
            {{ decimal_number("kept.total_score") }} as total_score,
            {{ decimal_number("kept.total_max_score") }} as total_max_score,
            coalesce(
                {{ utc_timestamp("kept.last_attempted_on") }},
                {{ utc_timestamp("kept.updated_on") }}
            ) as attempted_at
        from kept
    )

select *
from renamed
