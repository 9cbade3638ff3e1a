{#-
    The one place that makes columns: one per assessment of a course.

    Pure Jinja, rendered by dbt and by the runner: no adapter, no query, text out.
    `assessments` is the part of the header plan that holds scores, a list of
    {label, assessment_ordinal}; `scores` of course_progress holds the learner's best attempts in
    whole percent at those ordinals, null where there was no attempt. A score of zero is `0%`.
-#}
{%- macro score_columns(engine, assessments) -%}
    {%- for assessment in assessments %}
        {{ score_of(engine, assessment) }} || '%' as {{ sql_identifier(assessment.label, engine) }}
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro -%}

{#- The score of an assessment. Spark alone counts the places of an array from 0. -#}
{%- macro score_of(engine, assessment) -%}
    {%- set ordinal = assessment.assessment_ordinal | int -%}
    course_progress.scores[{{ ordinal - 1 if engine == "spark" else ordinal }}]
{%- endmacro -%}
