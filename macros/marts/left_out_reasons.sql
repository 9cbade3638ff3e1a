{#- Why an enrolment may be no row of the report, in the order in which the reasons are looked at. -#}
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
