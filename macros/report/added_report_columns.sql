{#-
    The columns that a report may add, in order, as JSON. Those of a learner come after the fixed
    columns; those of an assessment come after its score.
      addition           what people name it: one name may add two columns
      source             its column in course_progress_details
      whole              for `7 of 8`: the column with the 8
      label              what the header says; for an assessment, its ID is put before it
      kind               how course_report.sql formats it
      is_per_assessment  whether each assessment has it: then `source` is an array by ordinal
    Pure Jinja, rendered by the command.
-#}
{%- macro added_report_columns() -%}
    {{-
        [
            {"addition": "status", "source": "status", "label": "Status", "kind": "text"},
            {
                "addition": "contents_completed",
                "source": "contents_completed",
                "whole": "contents_total",
                "label": "Contents Completed",
                "kind": "text",
            },
            {
                "addition": "assessments_attempted",
                "source": "assessments_attempted",
                "whole": "assessments_total",
                "label": "Assessments Attempted",
                "kind": "text",
            },
            {
                "addition": "total_score_all",
                "source": "total_score_all",
                "label": "Total Score (all)",
                "kind": "percent",
            },
            {
                "addition": "last_activity",
                "source": "last_activity_on",
                "label": "Last Activity",
                "kind": "date",
            },
            {
                "addition": "certificate_date",
                "source": "certificate_on",
                "label": "Certificate Date",
                "kind": "date",
            },
            {
                "addition": "attempts",
                "source": "attempts",
                "label": "Attempts",
                "kind": "count",
                "is_per_assessment": true,
            },
            {
                "addition": "points",
                "source": "points",
                "label": "Points",
                "kind": "decimal",
                "is_per_assessment": true,
            },
            {
                "addition": "points",
                "source": "max_points",
                "label": "Maximum",
                "kind": "decimal",
                "is_per_assessment": true,
            },
        ] | tojson
    -}}
{%- endmacro -%}
