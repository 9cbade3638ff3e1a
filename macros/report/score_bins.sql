{#-
    The bins of scores, in order, as JSON: what each is called, and the scores in it, which are
    whole percentages. Learners who did not attempt an assessment have a bin without scores, and a
    score of zero is another. Pure Jinja, rendered by the command too.
-#}
{%- macro score_bins() -%}
    {{-
        [
            {"name": "not attempted", "lowest": none, "highest": none},
            {"name": "0", "lowest": 0, "highest": 0},
            {"name": "1-9", "lowest": 1, "highest": 9},
            {"name": "10-19", "lowest": 10, "highest": 19},
            {"name": "20-29", "lowest": 20, "highest": 29},
            {"name": "30-39", "lowest": 30, "highest": 39},
            {"name": "40-49", "lowest": 40, "highest": 49},
            {"name": "50-59", "lowest": 50, "highest": 59},
            {"name": "60-69", "lowest": 60, "highest": 69},
            {"name": "70-79", "lowest": 70, "highest": 79},
            {"name": "80-89", "lowest": 80, "highest": 89},
            {"name": "90-99", "lowest": 90, "highest": 99},
            {"name": "100", "lowest": 100, "highest": 100},
            {"name": "over 100", "lowest": 101, "highest": none},
        ] | tojson
    -}}
{%- endmacro -%}
