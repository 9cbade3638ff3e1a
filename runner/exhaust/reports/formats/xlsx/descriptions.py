"""What each column of a report says, for people who open it in a spreadsheet program."""

from exhaust.reports.table import ReportColumn

FIXED = {
    "course_id": "The ID of the course.",
    "course_name": "The name of the course.",
    "batch_id": "The ID of the batch.",
    "batch_name": "The name of the batch.",
    "user_id": "The ID of the learner.",
    "state": "The State of the learner.",
    "district": "The district of the learner.",
    "org_name": "The root organisation of the learner.",
    "school_id": "The ID of the school: of the one that a State-validated learner belongs to, or "
    "of the one that a self-signed-up learner declared.",
    "school_name": "The name of that school.",
    "block": "The block of a State-validated learner; blank for the others.",
    "cluster": "The cluster of the learner.",
    "user_type": "What the learner is, such as teacher.",
    "user_sub_type": "What kind of it, such as head teacher.",
    "declared_board": "The first board that the learner declared.",
    "enrolled_on": "The day of the enrolment.",
    "completed_on": "The day on which the learner completed the course; blank until then.",
    "certificate_status": "Issued if the learner has a certificate; otherwise blank.",
    "progress": "The share of the mandatory contents that the learner completed.",
    "total_score": "The sum of the best attempts over the assessments that were attempted, in "
    "percent; blank if none was.",
    "status": "Not started, In progress or Completed. A learner has started who completed the "
    "course, opened a content or attempted an assessment.",
    "contents_completed": "How many of the mandatory contents the learner completed.",
    "assessments_attempted": "How many of the assessments the learner attempted.",
    "total_score_all": "Like Total Score, but assessments that the learner did not attempt count "
    "as zero. Assessments that nobody attempted stay out.",
    "last_activity": "The day of the newest activity of the learner in this batch.",
    "certificate_date": "The day on which the newest certificate was issued.",
}

OF_ASSESSMENT = {
    "Score": "The best attempt in percent. Blank if the learner did not attempt it; 0% is a score "
    "of zero.",
    "Attempts": "How many times the learner attempted it.",
    "Points": "The points of the best attempt.",
    "Maximum": "The points that could be had in the best attempt.",
}
"""By the last word of the label in the default CSV, such as `do_1 - Score`."""


def description(column: ReportColumn) -> str:
    """Returns what a column says, in a sentence or two."""
    if column.assessment_ordinal is None:
        return FIXED.get(column.id, "")
    name = column.assessment_name or ""
    which = f"Assessment {column.assessment_ordinal}"
    which += f", {name} [{column.assessment_id}]: " if name else f" [{column.assessment_id}]: "
    return which + OF_ASSESSMENT.get(column.label.rpartition(" - ")[2], "")
