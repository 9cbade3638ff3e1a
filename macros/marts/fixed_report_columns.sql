{#-
    The fixed columns of the report, in order: the column of course_progress, the label in the
    file, and the kind, which tells macros/report/course_report.sql how to format it.
-#}
{% macro fixed_report_columns() %}
    {{
        return(
            [
                {"column_name": "course_id", "label": "Collection ID", "kind": "text"},
                {"column_name": "course_name", "label": "Collection Name", "kind": "text"},
                {"column_name": "batch_id", "label": "Batch ID", "kind": "text"},
                {"column_name": "batch_name", "label": "Batch Name", "kind": "text"},
                {"column_name": "user_id", "label": "User UUID", "kind": "text"},
                {"column_name": "state", "label": "State", "kind": "text"},
                {"column_name": "district", "label": "District", "kind": "text"},
                {"column_name": "org_name", "label": "Org Name", "kind": "text"},
                {"column_name": "school_id", "label": "School ID", "kind": "text"},
                {"column_name": "school_name", "label": "School Name", "kind": "text"},
                {"column_name": "block", "label": "Block Name", "kind": "text"},
                {"column_name": "cluster", "label": "Cluster Name", "kind": "text"},
                {"column_name": "user_type", "label": "User Type", "kind": "text"},
                {"column_name": "user_sub_type", "label": "User Sub Type", "kind": "text"},
                {"column_name": "declared_board", "label": "Declared Board", "kind": "text"},
                {"column_name": "enrolled_on", "label": "Enrolment Date", "kind": "date"},
                {"column_name": "completed_on", "label": "Completion Date", "kind": "date"},
                {
                    "column_name": "certificate_status",
                    "label": "Certificate Status",
                    "kind": "text",
                },
                {"column_name": "progress", "label": "Progress", "kind": "number"},
                {"column_name": "total_score", "label": "Total Score", "kind": "percent"},
            ]
        )
    }}
{% endmacro %}
