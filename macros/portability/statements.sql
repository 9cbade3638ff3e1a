{#-
    Runs several statements, as the text of a hook.
    Why: Spark takes only one at a time.
-#}
{% macro statements(texts) %}
    {{ return(adapter.dispatch("statements", "exhaust")(texts)) }}
{% endmacro %}

{% macro default__statements(texts) %}
    {%- if texts %}
        {{ texts | join(";\n") }}
        ;
    {%- endif %}
{% endmacro %}

{% macro spark__statements(texts) %}
    {%- for text in texts %} {% do run_query(text) %} {%- endfor %}
{% endmacro %}
