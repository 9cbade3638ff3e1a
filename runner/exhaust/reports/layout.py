"""The layouts of a report file: which columns of the header plan it has, under which labels."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

Column = Mapping[str, Any]
"""A column of the header plan: column_name, label, kind, assessment_ordinal."""

SUNBIRD = {
    "course_id": {"label": "Collection Id"},
    "batch_id": {"label": "Batch Id", "kind": "sunbird_batch"},
    "school_id": {"label": "School Id"},
}
"""What Sunbird's own job writes in another way."""


class Layout(StrEnum):
    EXHAUST = "exhaust"
    SUNBIRD = "sunbird"
    """As the file of Sunbird's own job: for tools that read it."""


def assessments(plan: Sequence[Column]) -> list[Column]:
    """The columns of a header plan that hold scores."""
    return [column for column in plan if column["kind"] == "score"]


def sunbird_plan(plan: Sequence[Column], attempts: Sequence[int]) -> list[Column]:
    """The header plan as Sunbird's job has it; `attempts` tells how often each assessment was."""
    fixed = [column for column in plan if column["kind"] != "score"]
    attempted = [
        column for column, number in zip(assessments(plan), attempts, strict=True) if number
    ]
    return [
        *({**column, **SUNBIRD.get(column["column_name"], {})} for column in fixed),
        *sorted(attempted, key=lambda column: column["column_name"].encode()),
    ]
