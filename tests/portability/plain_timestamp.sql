{#-
    What: texts that are read as another time than they say, or as a time although they are not
    one.
    When it matters: dates are wrong, or another attempt is the best.
    To resolve: check the engine's version of macros/portability/plain_timestamp.sql against these
    cases.
-#}
with
    cases(given, expected) as (
        values
            ('2019-11-16T05:41:50Z', timestamp '2019-11-16 05:41:50'),
            ('2019-11-16T05:41:50.123Z', timestamp '2019-11-16 05:41:50.123'),
            ('2019-11-16 05:41:50.123456+0000', timestamp '2019-11-16 05:41:50.123456'),
            ('2019-11-16 05:41:50.382+0000', timestamp '2019-11-16 05:41:50.382'),
            ('2019-11-16 05:41:50.382000', timestamp '2019-11-16 05:41:50.382'),
            ('2020-01-20 00:00:00', timestamp '2020-01-20 00:00:00'),
            ('2019-11-16 05:41:50.000000+0530', null),
            ('2019-11-16 05:41:50.382+0530', null),
            ('20191-01-16 05:41:50', null),
            ('2019-11-16T24:00:00Z', null),
            ('2019-11-16T23:59:60Z', null),
            ('2019-02-29T00:00:00Z', null),
            ('0000-01-01T00:00:00Z', null),
            ('2019-11-16T05:41: 5Z', null),
            (' 2019-11-6T05:41:50Z', null),
            ('infinity', null),
            ('', null),
            (null, null)
    ),

    read as (
        select cases.given, cases.expected, {{ plain_timestamp("cases.given") }} as found from cases
    )

select read.given
from read
where read.found is distinct from read.expected
