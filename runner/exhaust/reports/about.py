"""What a workbook says about its report: the receipt's content in words."""

from collections.abc import Iterator

from exhaust.reports.formats.xlsx.about import About, AboutBatch
from exhaust.reports.receipt import Contents, Origin, own_version


def about_of(contents: Contents, origin: Origin) -> About:
    """Returns what the sheet About of a file says."""
    build = origin.build
    return About(
        course_id=contents.course.id,
        course_name=contents.course.course_name,
        batches=[AboutBatch(batch.id, batch.name, batch.rows) for batch in contents.batches],
        newest_activity_at=build.newest_activity_at,
        loaded_at=build.loaded_at,
        built_at=build.started_at,
        zone=build.report_timezone,
        enrolments=contents.rows + sum(contents.left_out.values()),
        left_out=contents.left_out,
        filters=list(_filters(contents, origin)),
        request_id=origin.request_ids.get(contents.course.id),
        twin_sha256=contents.twin_sha256 or "",
        exhaust_version=own_version(),
        notes=list(_notes(contents)),
    )


def _filters(contents: Contents, origin: Origin) -> Iterator[str]:
    form = origin.form
    if not contents.are_all_batches:
        yield f"Only these batches: {', '.join(batch.id for batch in contents.batches)}"
    if contents.root_org_id is not None:
        yield f"Only learners of the root organisation {contents.root_org_id}"
    if form.columns:
        yield "Only these columns"
    for label, value in (contents.split or {}).items():
        yield f"{label}: {'none' if value is None else value}"
    if origin.earlier is not None:
        names = origin.earlier.request_id or ", ".join(file.name for file in origin.earlier.files)
        yield f"Only rows that are new or changed since {names}"


def _notes(contents: Contents) -> Iterator[str]:
    if any(column.id == "total_score_all" for column in contents.columns):
        yield (
            "Total Score (all): an assessment that a learner did not attempt counts as zero; one "
            "that nobody attempted does not count."
        )
