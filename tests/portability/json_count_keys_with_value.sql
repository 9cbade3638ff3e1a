{#-
    What: JSON objects for which the number of keys with the value 2 is wrong.
    When it matters: Progress counts contents that are not completed, or misses some that are.
    To resolve: check the engine's version of macros/portability/json_count_keys_with_value.sql
    against these cases.
-#}
{%- set many = [] %}
{%- for number in range(60) %} {%- do many.append("do_" ~ number) %} {%- endfor %}
with
    cases(given, keys, expected, expected_among) as (
        values
            ('{"do_1":2}', {{ array_of(["do_1", "do_9"]) }}, 1, 1),
            (
                '{"do_2":2,"do_1":2,"do_3":1,"do_4":0}',
                {{ array_of(["do_1", "do_3", "do_4"]) }},
                2,
                1
            ),
            ('{"do_1":2.0,"do_2":"2"}', {{ array_of(["do_1", "do_2"]) }}, 2, 2),
            (
                '{"do_1":2.00,"do_2":2e0,"do_3":20e-1,"do_4":0.2E1,"do_5":2.01,"do_6":2e1}',
                {{ array_of(["do_2", "do_3", "do_4", "do_5", "do_6"]) }},
                4,
                3
            ),
            ('{"do_1":2,"do_1":1}', {{ array_of(["do_1"]) }}, 0, 0),
            ('{"do_2":1,"do_1":2,"do_2":2,"do_3":2}', {{ array_of(["do_1", "do_2"]) }}, 3, 2),
            ('{"do_1":2,"do_2":2,"do_1":2}', {{ array_of(["do_1"]) }}, 2, 1),
            ('{"do_1":2,"do_60":2,"do_1":0}', {{ array_of(many) }}, 1, 0),
            (
                '{"do_1":22,"do_2":-2,"do_3":null,"do_4":[2],"do_5":{"do_6":2}}',
                {{ array_of(["do_1", "do_2", "do_3", "do_4", "do_5", "do_6"]) }},
                0,
                0
            ),
            (
                {{ sql_literal('{"a.b":2,"say \\"c\\"":2,"$.d":2,"தமிழ்":2}', engine()) }},
                {{ array_of(["தமிழ்", "$.d", 'say "c"', "a"]) }},
                4,
                3
            ),
            ('{"do_7":2,"do_8":1,"do_59":2,"do_60":2}', {{ array_of(many) }}, 3, 2),
            ('{"do_1":2}', {{ array_of(none) }}, 1, 0),
            ('{}', {{ array_of(["do_1"]) }}, 0, 0),
            ('[2]', {{ array_of(["do_1", "0"]) }}, 0, 0),
            ('2', {{ array_of(["do_1"]) }}, 0, 0),
            ('null', {{ array_of(["do_1"]) }}, 0, 0),
            (null, {{ array_of(["do_1"]) }}, 0, 0)
    ),

    counted as (
        select
            cases.given,
            cases.expected,
            cases.expected_among,
            {{ json_count_keys_with_value(parsed_json("cases.given"), 2) }} as found,
            {{ json_count_keys_with_value(parsed_json("cases.given"), 2, "cases.keys") }}
            as found_among
        from cases
    )

select counted.given
from counted
where
    counted.found is null
    or counted.found <> counted.expected
    or counted.found_among is null
    or counted.found_among <> counted.expected_among
