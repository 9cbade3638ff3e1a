{#-
    What: texts that are not timestamps in a form that Sunbird writes; they are treated as missing.
    The test fails if this is most of a column.
    When it matters: an enrolment without a date is left out, and a completion without one does not
    count.
    To resolve: look at the column in the landing schema, and at the program that wrote the
    extract.
-#}
{{ unreadable_values("timestamp", utc_timestamp) }}
