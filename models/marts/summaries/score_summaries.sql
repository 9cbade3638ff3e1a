{%- set bins = fromjson(score_bins()) %}

with
    learners as (
        select
            course_progress.course_id,
            course_progress.batch_id,
            coalesce(course_progress.root_org_id, '') as root_org_id,
            course_progress.scores
        from {{ ref("exhaust", "course_progress") }} as course_progress
    ),

    assessments as (select * from {{ ref("exhaust", "course_assessments") }}),

    scored as (
        select
            learners.course_id,
            learners.batch_id,
            learners.root_org_id,
            assessments.assessment_ordinal,
            {{ array_element("learners.scores", "assessments.assessment_ordinal") }} as score
        from learners
        inner join assessments on learners.course_id = assessments.course_id
    ),

    -- Few scores differ, so that bins are looked up only for these.
    counted as (
        select
            scored.course_id,
            scored.batch_id,
            scored.root_org_id,
            scored.assessment_ordinal,
            scored.score,
            count(*) as learners,
            sum(scored.score) as score_sum
        from scored
        group by
            scored.course_id,
            scored.batch_id,
            scored.root_org_id,
            scored.assessment_ordinal,
            scored.score
    ),

    binned as (
        select
            counted.course_id,
            counted.batch_id,
            counted.root_org_id,
            counted.assessment_ordinal,
            case
                when counted.score is null
                then 0
                {% for bin in bins if bin.highest is not none %}
                    when counted.score <= {{ bin.highest }} then {{ loop.index }}
                {% endfor %}
                else {{ bins | length - 1 }}
            end as bin_ordinal,
            counted.learners,
            counted.score_sum
        from counted
    ),

    summed as (
        select
            binned.course_id,
            binned.batch_id,
            binned.root_org_id,
            binned.assessment_ordinal,
            binned.bin_ordinal,
            sum(binned.learners) as learners,
            sum(binned.score_sum) as score_sum
        from binned
        group by
            binned.course_id,
            binned.batch_id,
            binned.root_org_id,
            binned.assessment_ordinal,
            binned.bin_ordinal
    ),

    named as (
        select
            summed.course_id,
            summed.batch_id,
            summed.root_org_id,
            assessments.assessment_id,
            summed.assessment_ordinal,
            summed.bin_ordinal,
            case
                summed.bin_ordinal
                {% for bin in bins %} when {{ loop.index0 }} then '{{ bin.name }}' {% endfor %}
            end as score_bin,
            cast(summed.learners as bigint) as learners,
            cast(coalesce(summed.score_sum, 0) as decimal(38, 0)) as score_sum
        from summed
        inner join
            assessments
            on summed.course_id = assessments.course_id
            and summed.assessment_ordinal = assessments.assessment_ordinal
    )

select *
from named
