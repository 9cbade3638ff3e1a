"""The layouts of a report file: which columns of the header plan it has, and their labels."""

from collections.abc import Sequence
from enum import StrEnum

from exhaust.marts.header_plan import Column, assessments

SUNBIRD = {
    "course_id": {"label": "Collection Id"},
    "batch_id": {"label": "Batch Id", "kind": "sunbird_batch"},
    "school_id": {"label": "School Id"},
}
"""What Sunbird's own job writes differently."""
SUNBIRD_BATCH = "BatchId_"
"""What it writes before the ID of a batch."""


class Layout(StrEnum):
    EXHAUST = "exhaust"
    SUNBIRD = "sunbird"
    """Like the file of Sunbird's own job, for tools that read it."""


def sunbird_plan(plan: Sequence[Column], attempts: Sequence[int]) -> list[Column]:
    """Returns a header plan as Sunbird's job has it.

    `attempts` has the number of learners who attempted each assessment, in the order of the plan.
    """
    fixed = [column for column in plan if column["kind"] != "score"]
    attempted = [
        column for column, number in zip(assessments(plan), attempts, strict=True) if number
    ]
    return [
        *({**column, **SUNBIRD.get(column["column_name"], {})} for column in fixed),
        *sorted(attempted, key=lambda column: column["column_name"].encode()),
    ]
