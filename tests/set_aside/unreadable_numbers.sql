{#-
    What: texts that are no number; they count as absent. The test fails if most of a column
    is so.
    When it matters: an attempt without a score is no attempt.
    To resolve: look at the column in the landing schema and at what wrote the extract.
-#}
{{ unreadable_values("number", decimal_number) }}
