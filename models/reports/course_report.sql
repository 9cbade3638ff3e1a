{{
    course_report(
        engine(),
        ref("exhaust", "course_progress"),
        report_columns_of_course(ref("exhaust", "course_report_columns")),
        var("course_id", none),
    )
}}
