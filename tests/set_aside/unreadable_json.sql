{#-
    What: texts that are not JSON, or JSON that is neither an object nor a list; they are treated
    as missing. The test fails if this is most of a column.
    When it matters: locations, boards, certificates or completed contents of learners are missing.
    To resolve: look at the column in the landing schema, and at the program that wrote the
    extract.
-#}
{{ unreadable_values("json", parsed_collection) }}
