{#-
    dbt's `ref` for our own nodes: a name without a package is a model of ours.
    Why: dbt gives a generic test its model by name only. In another project, that would be their
    model `courses`, if there is one. dbt lets a generic test see this macro only if it calls it.
-#}
{% macro ref() %}
    {%- if varargs | length == 1 and model.package_name == "exhaust" %}
        {{ return(builtins.ref("exhaust", *varargs, **kwargs)) }}
    {%- endif %}
    {{ return(builtins.ref(*varargs, **kwargs)) }}
{% endmacro %}
