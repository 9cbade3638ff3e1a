{#-
    What: rows of the report whose learner is not in the user table. They are kept with a blank
    profile.
    When it matters: the report does not show where these learners teach.
    To resolve: load the users.
-#}
select
    'user_enrolments' as source_table,
    course_progress.course_id || ' / ' || course_progress.batch_id as named,
    count(*) as row_count
from {{ ref("exhaust", "course_progress") }} as course_progress
left join {{ ref("exhaust", "stg_users") }} as users on course_progress.user_id = users.user_id
where users.user_id is null
group by course_progress.course_id, course_progress.batch_id
