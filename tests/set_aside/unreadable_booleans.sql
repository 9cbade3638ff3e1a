{#-
    What: texts that are neither true nor false. Such an enrolment is inactive, such a membership
    is not deleted. The test fails if this is most of a column.
    When it matters: an enrolment that was left out as inactive may be active.
    To resolve: look at the column in the landing schema, and at the program that wrote the
    extract.
-#}
{{ unreadable_values("boolean", boolean) }}
