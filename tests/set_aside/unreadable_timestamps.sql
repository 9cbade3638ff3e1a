{#-
    What: texts that are no timestamp in a form that Sunbird writes; they count as absent.
    The test fails if most of a column is so.
    When it matters: an enrolment without a date is left out, a completion without one does not count.
    To resolve: look at the column in the landing schema and at what wrote the extract.
-#}
{{ unreadable_values("timestamp", utc_timestamp) }}
