with
    best_attempts as (select * from {{ ref("exhaust", "int_best_attempts") }}),

    enrolments as (select * from {{ ref("exhaust", "int_enrolments") }}),

    assessments as (select * from {{ ref("exhaust", "course_assessments") }}),

    assessment_counts as (
        select assessments.course_id, count(*) as assessments
        from assessments
        group by assessments.course_id
    ),

    gathered as (
        select
            best_attempts.enrolment_number,
            {{
                percent_rounded_up(
                    "sum(best_attempts.total_score)", "sum(best_attempts.total_max_score)"
                )
            }} as total_score,
            sum(best_attempts.total_score) as points_sum,
            sum(best_attempts.total_max_score) as max_points_sum,
            sum(best_attempts.usual_max_score) as usual_max_points_sum,
            max(best_attempts.last_attempted_at) as last_attempted_at,
            cast(count(*) as integer) as assessments_attempted,
            array_agg(best_attempts.score) as scores,
            array_agg(best_attempts.attempts) as attempts,
            array_agg(best_attempts.total_score) as points,
            array_agg(best_attempts.total_max_score) as max_points,
            array_agg(best_attempts.assessment_ordinal) as ordinals
        from best_attempts
        group by best_attempts.enrolment_number
    ),

    listed as (
        select
            gathered.enrolment_number,
            gathered.total_score,
            gathered.points_sum,
            gathered.max_points_sum,
            gathered.usual_max_points_sum,
            gathered.last_attempted_at,
            gathered.assessments_attempted,
            -- One element per assessment of the course, so that the array is read by ordinal.
            {% for array in ["scores", "attempts", "points", "max_points"] %}
                {{
                    array_by_ordinal(
                        "gathered." ~ array,
                        "gathered.ordinals",
                        "assessment_counts.assessments",
                    )
                }} as {{ array }}{% if not loop.last %},{% endif %}
            {% endfor %}
        from gathered
        inner join enrolments on gathered.enrolment_number = enrolments.enrolment_number
        inner join assessment_counts on enrolments.course_id = assessment_counts.course_id
    )

select *
from listed
