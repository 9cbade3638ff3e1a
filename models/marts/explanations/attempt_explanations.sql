with
    attempts as (select * from {{ ref("exhaust", "stg_attempts") }}),

    duplicates as (select * from {{ ref("exhaust", "stg_duplicate_attempts") }}),

    enrolments as (select * from {{ ref("exhaust", "int_enrolments") }}),

    assessments as (select * from {{ ref("exhaust", "course_assessments") }}),

    profiles as (select * from {{ ref("exhaust", "int_learner_profiles") }}),

    judged as (
        select
            attempts.course_id,
            attempts.batch_id,
            attempts.user_id,
            profiles.root_org_id,
            attempts.content_id,
            assessments.assessment_name,
            assessments.assessment_ordinal,
            attempts.attempt_id,
            attempts.total_score,
            attempts.total_max_score,
            attempts.attempted_at,
            duplicates.user_id is not null as has_duplicates,
            case
                when enrolments.enrolment_number is null
                then 'outside an enrolment'
                when enrolments.left_out_reason is not null
                then 'enrolment left out'
                when assessments.assessment_id is null
                then 'not an assessment of the course'
                when attempts.total_score is null
                then 'no score'
                when attempts.total_score < 0
                then 'negative score'
                when attempts.total_max_score is null
                then 'no maximum'
                when attempts.total_max_score <= 0
                then 'maximum not positive'
            end as ignored_reason
        from attempts
        left join
            duplicates
            on attempts.user_id = duplicates.user_id
            and attempts.course_id = duplicates.course_id
            and attempts.batch_id = duplicates.batch_id
            and attempts.content_id = duplicates.content_id
            and attempts.attempt_id = duplicates.attempt_id
        left join
            enrolments
            on attempts.course_id = enrolments.course_id
            and attempts.batch_id = enrolments.batch_id
            and attempts.user_id = enrolments.user_id
        left join
            assessments
            on attempts.course_id = assessments.course_id
            and attempts.content_id = assessments.assessment_id
        left join profiles on attempts.user_id = profiles.user_id
    ),

    ranked as (
        select
            judged.*,
            row_number() over best_first as rank,
            lead(judged.total_score) over best_first as next_score,
            lead(judged.total_max_score) over best_first as next_max_score,
            lead(judged.attempted_at) over best_first as next_attempted_at
        from judged
        window
            best_first as (
                partition by
                    judged.course_id,
                    judged.batch_id,
                    judged.user_id,
                    judged.content_id,
                    judged.ignored_reason
                order by
                    judged.total_score desc nulls last,
                    case when judged.total_score > 0 then judged.total_max_score end,
                    judged.attempted_at desc nulls last,
                    {{ bytewise("judged.attempt_id") }}
            )
    ),

    explained as (
        select
            ranked.course_id,
            ranked.batch_id,
            ranked.user_id,
            ranked.root_org_id,
            ranked.content_id,
            ranked.assessment_name,
            ranked.assessment_ordinal,
            ranked.attempt_id,
            ranked.total_score,
            ranked.total_max_score,
            case
                when ranked.total_score >= 0 and ranked.total_max_score > 0
                then {{ percent_rounded_up("ranked.total_score", "ranked.total_max_score") }}
            end as score,
            ranked.attempted_at,
            ranked.has_duplicates,
            ranked.ignored_reason is null and ranked.rank = 1 as is_counted,
            case
                when ranked.ignored_reason is not null
                then ranked.ignored_reason
                when ranked.rank > 1
                then 'another attempt is better'
                when ranked.next_score is null
                then 'only attempt'
                when ranked.total_score > ranked.next_score
                then 'highest score'
                when ranked.total_score > 0 and ranked.total_max_score < ranked.next_max_score
                then 'same score, higher share'
                when
                    ranked.attempted_at > ranked.next_attempted_at
                    or (ranked.attempted_at is not null and ranked.next_attempted_at is null)
                then 'same score, later'
                else 'same score, lower ID'
            end as reason
        from ranked
    )

select *
from explained
where {{ reader_sees("explained") }}
