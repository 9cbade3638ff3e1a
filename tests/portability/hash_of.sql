{#-
    What: texts whose hashes are not alike where the texts are, or are alike where they are not.
    When it matters: a key that stands twice would not be found, or all keys would be looked at.
    To resolve: compare the engine's body of macros/portability/hash_of.sql with these cases.
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
