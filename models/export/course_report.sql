{{
    course_report(
        engine(), ref("course_progress"), report_columns_of_course(), var("course_id", none)
    )
}}
