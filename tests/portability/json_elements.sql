{#-
    What: JSON arrays that are not unfolded into their elements, in order. Anything but an array
    gives none.
    When it matters: contents of a course, or locations or types of a user, are missing or in
    another order.
    To resolve: check the engine's version of macros/portability/json_elements.sql against these
    cases.
-#}
with
    cases(given) as (
        values
            ('[{"id":"b"},{"id":"a"},{"id":"b"}]'),
            ('[{"id":null},null,"text",7,[{"id":"nested"}],{"id":"last"}]'),
            ('[]'),
            ('{}'),
            ('{"id":"a"}'),
            ('{"0":{"id":"a"}}'),
            ('"[]"'),
            ('7'),
            ('null'),
            (null)
    ),

    unfolded as (select cases.given, {{ json_elements(parsed_json("cases.given")) }} from cases),

    actual as (
        select
            unfolded.given,
            cast(unfolded.position as integer) as position,
            {{ json_text("unfolded.element", "id") }} as id
        from unfolded
    ),

    expected(given, position, id) as (
        values
            ('[{"id":"b"},{"id":"a"},{"id":"b"}]', 1, 'b'),
            ('[{"id":"b"},{"id":"a"},{"id":"b"}]', 2, 'a'),
            ('[{"id":"b"},{"id":"a"},{"id":"b"}]', 3, 'b'),
            ('[{"id":null},null,"text",7,[{"id":"nested"}],{"id":"last"}]', 1, null),
            ('[{"id":null},null,"text",7,[{"id":"nested"}],{"id":"last"}]', 2, null),
            ('[{"id":null},null,"text",7,[{"id":"nested"}],{"id":"last"}]', 3, null),
            ('[{"id":null},null,"text",7,[{"id":"nested"}],{"id":"last"}]', 4, null),
            ('[{"id":null},null,"text",7,[{"id":"nested"}],{"id":"last"}]', 5, null),
            ('[{"id":null},null,"text",7,[{"id":"nested"}],{"id":"last"}]', 6, 'last')
    ),

    too_many as (
        select *
        from actual
        except all
        select *
        from expected
    ),

    too_few as (
        select *
        from expected
        except all
        select *
        from actual
    )

select *
from too_many
union all
select *
from too_few
