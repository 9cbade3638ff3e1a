{#-
    The engine's name, for the pure macros of the export, which cannot dispatch.
    Why: they are rendered without dbt too.
-#}
{% macro engine() %} {{ return(target.type) }} {% endmacro %}
