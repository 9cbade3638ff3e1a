{#-
    What: JSON that the engine's parser refuses; it counts as absent.
    When it matters: a location, a board, a certificate or a learner's completed contents are missing.
    To resolve: look at the column in the landing schema and at what wrote the extract.
-#}
{{ unreadable("json", parsed_json) }}
