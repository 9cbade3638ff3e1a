{#-
    Whether a build is whole. What ran decides, not the words of the command line: every model of
    the project's four layers, and every test of severity error of them.
-#}
{% macro what_is_missing(results) %}
    {%- if flags.EMPTY %} {{ return("it was made with --empty, without data") }} {%- endif %}
    {%- if flags.SAMPLE %}
        {{ return("it was made with --sample, from a part of the data") }}
    {%- endif %}
    {%- if has_lost_lease() %}
        {{ return("another load or build began before it ended") }}
    {%- endif %}
    {#- Another target, whose lease is another, may load into the schema that this one reads. #}
    {%- if load_since_start() %} {{ return("data was loaded while it ran") }} {%- endif %}
    {%- set passed = [] %}
    {%- for result in results if result.status in ["success", "pass", "warn"] %}
        {%- do passed.append(result.node.unique_id) %}
    {%- endfor %}
    {%- set missing = [] %}
    {%- for kind in ["model", "test"] %}
        {%- set needed = needed_nodes(kind) %}
        {%- set done = needed | select("in", passed) | list %}
        {%- if done | length < needed | length %}
            {%- do missing.append(
                done | length ~ " of " ~ needed | length ~ " " ~ kind ~ "s ran and passed"
            ) %}
        {%- endif %}
    {%- endfor %}
    {{ return(missing | join(", ")) }}
{% endmacro %}

{% macro has_failed(results) %}
    {%- set needed = needed_nodes("model") + needed_nodes("test") %}
    {%- for result in results if result.status not in ["success", "pass", "warn", "skipped"] %}
        {#- Of a model whose unit test failed, dbt only says that it was skipped. #}
        {%- if result.node.unique_id in needed or (
            result.node.resource_type == "unit_test" and is_test_of_a_layer(result.node)
        ) %}
            {{ return(true) }}
        {%- endif %}
    {%- endfor %}
    {{ return(false) }}
{% endmacro %}

{#- The IDs of the models, or of the tests of severity error, that a whole build needs. -#}
{% macro needed_nodes(kind) %}
    {%- set needed = [] %}
    {%- for node in graph.nodes.values() if node.resource_type == kind %}
        {%- if node.package_name == "exhaust" and (
            is_of_a_layer(node)
            if kind == "model"
            else node.config.severity | lower == "error" and is_test_of_a_layer(node)
        ) %}
            {%- do needed.append(node.unique_id) %}
        {%- endif %}
    {%- endfor %}
    {{ return(needed) }}
{% endmacro %}

{% macro is_of_a_layer(node) %}
    {{
        return(
            node.fqn[1] in ["staging", "intermediate", "marts", "reports"]
            and node.config.materialized != "ephemeral"
        )
    }}
{% endmacro %}

{#- Tests that read no model, such as those of macros, are of the project as a whole. -#}
{% macro is_test_of_a_layer(test) %}
    {%- set models = [] %}
    {%- for id in test.depends_on.nodes if id in graph.nodes %}
        {%- do models.append(graph.nodes[id]) %}
    {%- endfor %}
    {%- for model in models if is_of_a_layer(model) or model.resource_type != "model" %}
        {{ return(true) }}
    {%- endfor %}
    {{ return(not models) }}
{% endmacro %}

{#-
    A hash of the models and macros. The command computes the same from the files
    (exhaust.project.fingerprint), to tell whether the marts were built with its own.
-#}
{% macro models_hash() %}
    {%- set parts = [] %}
    {%- for node in graph.nodes.values() if node.resource_type == "model" and node.package_name == "exhaust" and is_of_a_layer(node) %}
        {%- do parts.append("model " ~ node.name ~ " " ~ node.checksum.checksum) %}
    {%- endfor %}
    {%- for name, macro in context["exhaust"].items() if not name.startswith("test_") %}
        {%- do parts.append("macro " ~ name ~ " " ~ local_md5(macro.macro.macro_sql | trim)) %}
    {%- endfor %}
    {{ return(local_md5(parts | sort | join("\n"))) }}
{% endmacro %}
