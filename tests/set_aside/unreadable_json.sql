{#-
    What: texts that are not JSON, or JSON that is neither an object nor a list; they count as absent.
    The test fails if most of a column is so.
    When it matters: a location, a board, a certificate or a learner's completed contents are missing.
    To resolve: look at the column in the landing schema and at what wrote the extract.
-#}
{{ unreadable_values("json", parsed_collection) }}
