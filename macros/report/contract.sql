{#-
    What a build and the command have to agree on. Here, because the command reads it too.
    The contract of the marts changes when a mart that an export reads changes incompatibly.
-#}
{% macro marts_contract() -%} {{ 2 }} {%- endmacro %}

{% macro project_version() -%} {{ "0.1.0" }} {%- endmacro %}
