{#-
    What: texts that are neither true nor false; such an enrolment is inactive, such a membership stands.
    The test fails if most of a column is so.
    When it matters: an enrolment left out as inactive may be an active one.
    To resolve: look at the column in the landing schema and at what wrote the extract.
-#}
{{ unreadable_values("boolean", boolean) }}
