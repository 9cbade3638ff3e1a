{#-
    What: JSON objects that are not unfolded into their keys and values. Anything but an object
    gives none.
    When it matters: an explanation lists other contents than the learner has worked on.
    To resolve: check the engine's version of macros/portability/json_entries.sql against these
    cases.
-#}
with
    cases(given) as (
        values
            ('{"b":2,"a":1,"b":0}'),
            ('{"":1,"null":null,"list":[1],"text":"2.0","exponent":2e0}'),
            ({{ sql_literal('{"say \\"a\\"":7}', engine()) }}),
            ('{}'),
            ('[]'),
            ('[{"a":1}]'),
            ('"{}"'),
            ('7'),
            ('null'),
            (null)
    ),

    unfolded as (select cases.given, {{ json_entries(parsed_json("cases.given")) }} from cases),

    actual as (
        select unfolded.entry_key, {{ json_scalar_text("unfolded.entry_value") }} as entry_value
        from unfolded
    ),

    expected(entry_key, entry_value) as (
        values
            ('b', '0'),
            ('a', '1'),
            ('', '1'),
            ('null', null),
            ('list', null),
            ('text', '2.0'),
            ('exponent', '2'),
            ('say "a"', '7')
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
