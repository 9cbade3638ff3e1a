{#-
    What: latest timestamps in JSON arrays of objects that are read wrongly.
    When it matters: the Certificate Date of a report is blank, or that of an older certificate.
    To resolve: check the engine's version of macros/portability/json_latest_timestamp.sql against
    these cases.
-#}
with
    cases(given, expected) as (
        values
            ('[{"at":"2020-01-02T03:04:05Z"}]', timestamp '2020-01-02 03:04:05'),
            (
                '[{"at":"2020-01-02"},{"at":"2020-01-03"},{"at":"2020-01-01"}]',
                timestamp '2020-01-03 00:00:00'
            ),
            (
                '[{"at":"2020-01-01T00:00:00+0530"},{"at":"soon"},{"at":null},{},7,null]',
                timestamp '2019-12-31 18:30:00'
            ),
            ('[{"at":"2020-01-02","at":"2020-01-01"}]', timestamp '2020-01-01 00:00:00'),
            ('[{"at":["2020-01-02"]}]', null),
            ('[]', null),
            ('{"at":"2020-01-02"}', null),
            ('"2020-01-02"', null),
            ('null', null),
            (null, null)
    )

select cases.given
from cases
where {{ json_latest_timestamp(parsed_json("cases.given"), "at") }} is distinct from cases.expected
