{#-
    The condition that the caller may see a learner in a batch, for a view that reads more than
    readers may. On Postgres with `reader_row_security`, a reader sees what it sees of the report;
    everywhere else, everyone sees all.
      relation  has the columns course_id, batch_id and root_org_id
-#}
{% macro reader_sees(relation) %}
    {{ return(adapter.dispatch("reader_sees", "exhaust")(relation)) }}
{% endmacro %}

{% macro default__reader_sees(relation) %} true {% endmacro %}

{% macro postgres__reader_sees(relation) %}
    {%- if var("reader_row_security", false) %}
        (
            (select {{ table_of_target("reads_all_rows") }} ())
            or {{ learners_of_reader(relation ~ ".") }}
        )
    {%- else %} true
    {%- endif %}
{% endmacro %}
