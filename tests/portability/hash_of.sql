{#-
    What: equal texts with different hashes, or different texts with equal ones.
    When it matters: duplicate keys are missed, or all keys are compared.
    To resolve: check the engine's version of macros/portability/hash_of.sql against these cases.
-#}
with
    cases(one, two) as (
        values
            ('a', 'b'),
            ('b', 'a'),
            ('ab', ''),
            ('', 'ab'),
            ('आ', '😀'),
            (cast(null as {{ dbt.type_string() }}), 'a')
    ),

    hashed as (select cases.one, cases.two, {{ hash_of(["one", "two"]) }} as hash from cases)

select hashed.one, hashed.two
from hashed
inner join hashed as other on hashed.hash = other.hash
group by hashed.one, hashed.two
having count(*) > 1
union all
select hashed.one, hashed.two
from hashed
where hashed.hash is null or hashed.hash <> {{ hash_of(["one || ''", "two || ''"]) }}
