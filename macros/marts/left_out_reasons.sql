{#-
    The reasons for leaving an enrolment out of the report, in the order in which they are checked.
-#}
{% macro left_out_reasons() %}
    {{
        return(
            [
                "course unknown",
                "batch unknown",
                "inactive",
                "no enrolment date",
                "enrolment date unreadable",
            ]
        )
    }}
{% endmacro %}
