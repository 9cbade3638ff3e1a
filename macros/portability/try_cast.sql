{#-
    A text as another type; null if the engine cannot cast it.
    Why: `dbt.safe_cast` is a plain cast on these engines, and Postgres has to check before it
    casts.
-#}
{% macro try_cast(text, type) %}
    {{ return(adapter.dispatch("try_cast", "exhaust")(text, type)) }}
{% endmacro %}

{% macro default__try_cast(text, type) %} try_cast({{ text }} as {{ type }}) {% endmacro %}

{% macro postgres__try_cast(text, type) %}
    case when pg_input_is_valid({{ text }}, '{{ type }}') then cast({{ text }} as {{ type }}) end
{% endmacro %}
