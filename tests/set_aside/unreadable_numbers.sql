{#-
    What: texts that are no number; they count as absent.
    When it matters: an attempt without a score is no attempt.
    To resolve: look at the column in the landing schema and at what wrote the extract.
-#}
{{ unreadable("number", decimal_number) }}
