{#-
    The engine's name, as an argument for the pure macros in macros/report.
    Why: these are rendered without dbt too, so they cannot dispatch.
-#}
{% macro engine() %} {{ return(target.type) }} {% endmacro %}
