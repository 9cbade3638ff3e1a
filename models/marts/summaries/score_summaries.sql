{%- set bins = fromjson(score_bins()) %}

with
    assessments as (select * from {{ ref("exhaust", "course_assessments") }}),

    -- The mart is named where it is read: Postgres knows nothing of the values of a CTE that is
    -- read twice, and would sort all scores.
    entries as (
        select
            learners.course_id,
            learners.batch_id,
            learners.root_org_id,
            {{ array_entries("learners.scores") }}
        from {{ ref("exhaust", "course_progress") }} as learners
    ),

    -- Few scores differ, so that bins are looked up only for these.
    scored as (
        select
            entries.course_id,
            entries.batch_id,
            entries.root_org_id,
            entries.position as assessment_ordinal,
            entries.element as score,
            count(*) as learners,
            sum(entries.element) as score_sum
        from entries
        group by
            entries.course_id,
            entries.batch_id,
            entries.root_org_id,
            entries.position,
            entries.element
    ),

    without_scores as (
        select learners.course_id, learners.batch_id, learners.root_org_id, count(*) as learners
        from {{ ref("exhaust", "course_progress") }} as learners
        where learners.scores is null
        group by learners.course_id, learners.batch_id, learners.root_org_id
    ),

    counted as (
        select *
        from scored
        union all
        select
            without_scores.course_id,
            without_scores.batch_id,
            without_scores.root_org_id,
            assessments.assessment_ordinal,
            cast(null as decimal(38, 0)) as score,
            without_scores.learners,
            cast(null as decimal(38, 0)) as score_sum
        from without_scores
        inner join assessments on without_scores.course_id = assessments.course_id
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
            coalesce(summed.root_org_id, '') as root_org_id,
            assessments.assessment_id,
            assessments.assessment_ordinal,
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
        -- DuckDB finds a batch quickly in rows that are sorted by it.
        order by summed.course_id, summed.batch_id
    )

select *
from named
