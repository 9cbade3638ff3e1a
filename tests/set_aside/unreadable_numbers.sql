{#-
    What: texts that are not numbers; they are treated as missing. The test fails if this is most
    of a column.
    When it matters: an attempt without a score does not count.
    To resolve: look at the column in the landing schema, and at the program that wrote the
    extract.
-#}
{{ unreadable_values("number", decimal_number) }}
