{#-
    What: JSON objects of which other keys are listed than those with the value 2.
    When it matters: Progress counts contents that are not completed, or misses some that are.
    To resolve: compare the engine's body of macros/portability/json_keys_with_value.sql with these cases.
-#}
with
    cases(given, expected) as (
        values
            ('{"do_1":2}', 'do_1'),
            ('{"do_2":2,"do_1":2,"do_3":1,"do_4":0}', 'do_1|do_2'),
            ('{"do_1":2.0,"do_2":"2"}', 'do_1|do_2'),
            ('{"do_1":22,"do_2":-2,"do_3":null,"do_4":[2],"do_5":{"do_6":2}}', ''),
            ('{"a.b":2,"say \"c\"":2,"$.d":2,"தமிழ்":2}', '$.d|a.b|say "c"|தமிழ்'),
            ('{}', ''),
            ('[2]', ''),
            ('2', ''),
            ('null', ''),
            (null, '')
    ),

    listed as (
        select
            cases.given,
            cases.expected,
            {{ json_keys_with_value(parsed_json("cases.given"), 2) }} as keys
        from cases
    ),

    unfolded as (select listed.given, unnest(listed.keys) as key from listed),

    joined as (
        select
            unfolded.given,
            {{ dbt.listagg("unfolded.key", "'|'", "order by " ~ bytewise("unfolded.key")) }} as keys
        from unfolded
        group by unfolded.given
    )

select listed.given
from listed
left join joined on listed.given = joined.given
where listed.keys is null or coalesce(joined.keys, '') <> listed.expected
