{#-
    The bins of scores, which are whole percentages, in order: their names and highest scores. A
    score of zero, and a full one, have a bin of their own. Learners who did not attempt an
    assessment are in the first bin, which has no score.
-#}
{% macro score_bins() %}
    {%- set bins = [{"name": "not attempted"}, {"name": "0", "highest": 0}] %}
    {%- for tens in range(10) %}
        {%- do bins.append(
            {
                "name": [10 * tens, 1] | max ~ "-" ~ (10 * tens + 9),
                "highest": 10 * tens + 9,
            }
        ) %}
    {%- endfor %}
    {{ return(bins + [{"name": "100", "highest": 100}, {"name": "over 100"}]) }}
{% endmacro %}
