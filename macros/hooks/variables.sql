{#-
    The variables of the project, as this target has them, checked before anything runs. The
    command checks them too (exhaust.project.variables); plain dbt relies on this.
-#}
{% macro report_timezone() %}
    {{ return(var("report_timezones", {}).get(target.name, var("report_timezone"))) }}
{% endmacro %}

{% macro landing_schema() %}
    {{ return(var("landing_schemas", {}).get(target.name, var("landing_schema"))) }}
{% endmacro %}

{#- The variables that change a value of the marts. -#}
{% macro variables_of_build() %}
    {%- set variables = {
        "landing_schema": landing_schema(),
        "report_timezone": report_timezone(),
        "sample": var("sample", false),
    } %}
    {%- for name in lists_of_project() %}
        {%- do variables.update({name: var(name)}) %}
    {%- endfor %}
    {{ return(variables) }}
{% endmacro %}

{% macro lists_of_project() %}
    {{
        return(
            [
                "assessment_content_types",
                "assessment_object_types",
                "assessment_primary_categories",
            ]
        )
    }}
{% endmacro %}

{% macro check_variables() %}
    {%- for name in lists_of_project() %}
        {%- set value = var(name) %}
        {%- if value is string or value is mapping or value is not iterable %}
            {{
                exceptions.raise_compiler_error(
                    "The variable "
                    ~ name
                    ~ " has to be a list, such as [SelfAssess]; it is `"
                    ~ value
                    ~ "`."
                )
            }}
        {%- endif %}
    {%- endfor %}
    {%- if report_timezone() not in modules.pytz.all_timezones %}
        {{
            exceptions.raise_compiler_error(
                "The variable report_timezone has to be the name of a time zone, such as"
                ~ " Asia/Kolkata; it is `"
                ~ report_timezone()
                ~ "`."
            )
        }}
    {%- endif %}
{% endmacro %}
