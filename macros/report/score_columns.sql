{#-
    The only macros that make columns out of data: those of the assessments of a course.

    Pure Jinja, rendered by dbt and by the command. An `assessment` is an entry of the header plan
    with an assessment_ordinal. `scores` of course_progress has the learner's best attempts as whole
    percentages at these ordinals, null if not attempted. A score of zero is `0%`.
-#}
{%- macro score_column(engine, assessment) -%}
    {{ score_of(engine, assessment) }} || '%'
{%- endmacro -%}

{%- macro score_of(engine, assessment) -%}
    {{ element_of("report_rows.scores", assessment.assessment_ordinal, engine) }}
{%- endmacro -%}

{#- An element of an array, by its position from 1. Only Spark counts from 0. -#}
{%- macro element_of(array, ordinal, engine) -%}
    {{ array }} [{{ ordinal | int - 1 if engine == "spark" else ordinal | int }}]
{%- endmacro -%}
