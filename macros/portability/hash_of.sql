{#-
    A 64-bit number that is the same wherever the texts of `columns` are; now and then others share
    it. Why: each engine has a function of its own for it.
-#}
{% macro hash_of(columns) %}
    {{ return(adapter.dispatch("hash_of", "exhaust")(columns)) }}
{% endmacro %}

{% macro default__hash_of(columns) %} hash({{ columns | join(", ") }}) {% endmacro %}

{% macro postgres__hash_of(columns) %}
    hash_record_extended(row({{ columns | join(", ") }}), 0)
{% endmacro %}

{% macro spark__hash_of(columns) %} xxhash64({{ columns | join(", ") }}) {% endmacro %}
