{#-
    What: texts that are cast to another value, or do not become null if they cannot be cast.
    When it matters: always. One bad text fails a build, or a good one is lost.
    To resolve: check the engine's version of macros/portability/try_cast.sql against these cases.
-#}
with
    timestamps(given, expected) as (
        values
            ('2019-11-16 05:41:50', timestamp '2019-11-16 05:41:50'),
            ('2019-11-16 05:41:56.49', timestamp '2019-11-16 05:41:56.49'),
            ('2020-01-20', timestamp '2020-01-20 00:00:00'),
            ('2020-02-29', timestamp '2020-02-29 00:00:00'),
            ('2019-02-29', null),
            ('2020-02-30 05:41:50', null),
            ('2020-13-01', null),
            ('', null),
            (null, null)
    ),

    decimals(given, expected) as (
        values
            ('20', 20.0),
            ('-0.0000005', -0.000001),
            ('1000000000000', null),
            ('ten', null),
            ('', null),
            (null, null)
    )

select timestamps.given
from timestamps
where {{ try_cast("timestamps.given", "timestamp") }} is distinct from timestamps.expected
union all
select decimals.given
from decimals
where {{ try_cast("decimals.given", "decimal(18, 6)") }} is distinct from decimals.expected
