{#-
    The columns of Sunbird's raw tables that the models read. Each table has its `key`; all
    `columns` that models/staging/_sources.yml lists, in that order; the column `latest`, which
    tells the newest of several rows with the same key; and the columns whose text is `json`, a
    `timestamp`, a `number` or a `boolean`.
-#}
{% macro raw_tables() %}
    {{
        return(
            {
                "user": {
                    "key": ["userid"],
                    "columns": [
                        "userid",
                        "rootorgid",
                        "framework",
                        "profilelocation",
                        "profileusertypes",
                        "status",
                    ],
                    "json": ["framework", "profilelocation", "profileusertypes"],
                },
                "user_organisation": {
                    "key": ["userid", "organisationid"],
                    "columns": ["userid", "organisationid", "isdeleted"],
                    "boolean": ["isdeleted"],
                },
                "organisation": {
                    "key": ["id"],
                    "columns": [
                        "id",
                        "orgname",
                        "externalid",
                        "organisationtype",
                        "rootorgid",
                        "orglocation",
                    ],
                    "json": ["orglocation"],
                    "number": ["organisationtype"],
                },
                "location": {
                    "key": ["id"],
                    "columns": ["id", "code", "name", "parentid", "type"],
                },
                "user_declarations": {
                    "key": ["userid", "orgid", "persona"],
                    "columns": ["userid", "orgid", "persona", "status", "userinfo"],
                    "json": ["userinfo"],
                },
                "system_settings": {"key": ["id"], "columns": ["id", "value"]},
                "course_batch": {
                    "key": ["courseid", "batchid"],
                    "columns": [
                        "courseid",
                        "batchid",
                        "name",
                        "createdby",
                        "mentors",
                        "start_date",
                        "startdate",
                        "end_date",
                        "enddate",
                        "status",
                    ],
                    "json": ["mentors"],
                    "timestamp": ["start_date", "startdate", "end_date", "enddate"],
                    "number": ["status"],
                },
                "user_enrolments": {
                    "key": ["userid", "courseid", "batchid"],
                    "columns": [
                        "userid",
                        "courseid",
                        "batchid",
                        "active",
                        "enrolled_date",
                        "enrolleddate",
                        "completedon",
                        "contentstatus",
                        "issued_certificates",
                        "certificates",
                        "datetime",
                    ],
                    "latest": "datetime",
                    "json": ["contentstatus", "issued_certificates", "certificates"],
                    "timestamp": ["enrolled_date", "enrolleddate", "completedon", "datetime"],
                    "boolean": ["active"],
                },
                "assessment_aggregator": {
                    "key": ["user_id", "course_id", "batch_id", "content_id", "attempt_id"],
                    "columns": [
                        "user_id",
                        "course_id",
                        "batch_id",
                        "content_id",
                        "attempt_id",
                        "total_score",
                        "total_max_score",
                        "last_attempted_on",
                        "updated_on",
                    ],
                    "latest": "updated_on",
                    "timestamp": ["last_attempted_on", "updated_on"],
                    "number": ["total_score", "total_max_score"],
                },
                "content_hierarchy": {
                    "key": ["identifier"],
                    "columns": ["identifier", "hierarchy"],
                    "json": ["hierarchy"],
                },
            }
        )
    }}
{% endmacro %}
