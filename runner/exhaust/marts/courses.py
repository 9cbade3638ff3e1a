"""The courses and batches that a requester may have, or all of them for the operator."""

from exhaust.marts.entities import Batch, Course, Requester, Role
from exhaust.marts.names import comparable, named
from exhaust.marts.state import Marts

COURSE = ("course_id", "course_name", "status", "tenant_name")


def courses(marts: Marts, text: str = "", requester: Requester | None = None) -> list[Course]:
    """Returns the courses whose ID is `text` or whose name contains it in any case, by name.

    With a requester: the courses that they may have, with the batches and learners that they see.
    Raises DataError if nothing is built.
    """
    found = marts.remember(("courses", requester), lambda: _read_courses(marts, requester))
    return named(found, text, "course")


def _read_courses(marts: Marts, requester: Requester | None) -> list[Course]:
    marts.check_built()
    relation = marts.relation("courses")
    columns = ", ".join(f"courses.{column}" for column in COURSE)
    if requester is None:
        select = (
            f"select {columns}, courses.batches, courses.enrolments, "
            f"cast(coalesce(sum(batches.enrolled), 0) as bigint) from {relation} as courses "
            f"left join {marts.relation('course_batches')} as batches "
            "on courses.course_id = batches.course_id and batches.is_known "
            f"group by {columns}, courses.batches, courses.enrolments"
        )
    else:
        user_id = marts.warehouse.literal(requester.user_id)
        rows = "cast(coalesce(sum(rights.enrolled), 0) as bigint)"
        select = (
            f"select {columns}, count(rights.batch_id), {rows}, {rows} from {relation} as courses "
            f"left join {marts.relation('requester_batches')} as rights "
            f"on courses.course_id = rights.course_id and rights.user_id = {user_id} "
            f"where courses.created_by = {user_id} or rights.user_id is not null "
            # Grouping by all of these is grouping by the course: it has one row.
            f"group by {columns}"
        )
    found = [Course(*row) for row in marts.warehouse.query(select)]
    return sorted(found, key=lambda course: (comparable(course.name), course.id))


def batches(
    marts: Marts, course_id: str | None = None, requester: Requester | None = None
) -> list[Batch]:
    """Returns the known batches of a course, or of all courses, by ID.

    With a requester: the batches that they may have, with the learners that they see.
    """
    return marts.remember(
        ("batches", course_id, requester), lambda: _read_batches(marts, course_id, requester)
    )


def _read_batches(marts: Marts, course_id: str | None, requester: Requester | None) -> list[Batch]:
    relations = f"{marts.relation('course_batches')} as batches"
    counts = "batches.enrolled, batches.completed"
    outside, sees_all, role = "cast(0 as bigint)", "true", "null"
    if requester is not None:
        user_id = marts.warehouse.literal(requester.user_id)
        relations += (
            f" inner join {marts.relation('requester_batches')} as rights "
            "on batches.course_id = rights.course_id and batches.batch_id = rights.batch_id "
            f"and rights.user_id = {user_id} "
            f"inner join {marts.relation('courses')} as courses "
            "on batches.course_id = courses.course_id"
        )
        counts = "rights.enrolled, rights.completed"
        outside, sees_all = "batches.enrolled - rights.enrolled", "rights.sees_all_learners"
        role = (
            f"case when courses.created_by = {user_id} then '{Role.COURSE_CREATOR}' "
            f"when batches.created_by = {user_id} then '{Role.BATCH_CREATOR}' "
            f"else '{Role.MENTOR}' end"
        )
    of_course = (
        ""
        if course_id is None
        else f" and batches.course_id = {marts.warehouse.literal(course_id)}"
    )
    rows = marts.warehouse.query(
        "select batches.course_id, batches.batch_id, batches.batch_name, batches.status, "
        f"batches.starts_on, batches.ends_on, {counts}, batches.left_out_inactive, "
        "batches.left_out_no_enrolment_date, batches.left_out_enrolment_date_unreadable, "
        f"{outside}, {sees_all}, {role} "
        f"from {relations} where batches.is_known{of_course}"
    )
    return sorted(
        (Batch(*row) for row in rows),
        key=lambda batch: (batch.batch_id, batch.course_id),
    )
