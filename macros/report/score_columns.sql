{#-
    The only macro that makes columns out of data: one per assessment of a course.

    Pure Jinja, rendered by dbt and by the command. `assessments` is the part of the header plan
    with the scores, a list of {label, assessment_ordinal}. `scores` of course_progress has the
    learner's best attempts as whole percentages at those ordinals, null if not attempted. A score
    of zero is `0%`.
-#}
{%- macro score_columns(engine, assessments) -%}
    {%- for assessment in assessments %}
        {{ score_of(engine, assessment) }} || '%' as {{ sql_identifier(assessment.label, engine) }}
        {%- if not loop.last %},{% endif %}
    {%- endfor %}
{%- endmacro -%}

{#- The score of an assessment. Only Spark counts the elements of an array from 0. -#}
{%- macro score_of(engine, assessment) -%}
    {%- set ordinal = assessment.assessment_ordinal | int -%}
    report_rows.scores[{{ ordinal - 1 if engine == "spark" else ordinal }}]
{%- endmacro -%}
