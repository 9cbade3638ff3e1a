{{
    course_report(
        engine(),
        ref("course_progress"),
        report_columns_of_course(ref("course_report_columns")),
        var("course_id", none),
    )
}}
