{#-
    A 64-bit hash of the texts in `columns`. Equal texts have equal hashes; different texts seldom
    do.
    Why: each engine has its own hash function.
-#}
{% macro hash_of(columns) %}
    {{ return(adapter.dispatch("hash_of", "exhaust")(columns)) }}
{% endmacro %}

{% macro default__hash_of(columns) %} hash({{ columns | join(", ") }}) {% endmacro %}

{% macro postgres__hash_of(columns) %}
    hash_record_extended(row({{ columns | join(", ") }}), 0)
{% endmacro %}

{% macro spark__hash_of(columns) %} xxhash64({{ columns | join(", ") }}) {% endmacro %}
