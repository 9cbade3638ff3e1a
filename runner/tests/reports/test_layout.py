from pathlib import Path
from typing import Any

import pytest
from handmade_marts import MATHS, MENTOR
from support import RunExport, reports

from exhaust.marts.header_plan import assessments
from exhaust.reports.form import ReportForm
from exhaust.reports.layout import Layout, sunbird_plan
from exhaust.reports.selection import Criteria

PLAN: list[dict[str, Any]] = [
    {"column_name": "course_id", "label": "Collection ID", "kind": "text"},
    {"column_name": "batch_id", "label": "Batch ID", "kind": "text"},
    {"column_name": "school_id", "label": "School ID", "kind": "text"},
    {"column_name": "progress", "label": "Progress", "kind": "number"},
    *(
        {"column_name": name, "label": f"{name} - Score", "kind": "score", "assessment_ordinal": n}
        for n, name in enumerate(["do_9", "do_10", "do_é", "do_Z"], 1)
    ),
]


def test_labels_are_spelled_as_by_sunbird() -> None:
    plan = sunbird_plan(PLAN, [0, 0, 0, 0])
    assert [(column["label"], column["kind"]) for column in plan] == [
        ("Collection Id", "text"),
        ("Batch Id", "sunbird_batch"),
        ("School Id", "text"),
        ("Progress", "number"),
    ]


def test_only_attempted_assessments_are_columns_in_order_of_id() -> None:
    plan = sunbird_plan(PLAN, [3, 1, 1, 0])
    assert [(c["label"], c["assessment_ordinal"]) for c in assessments(plan)] == [
        ("do_10 - Score", 2),
        ("do_9 - Score", 1),
        ("do_é - Score", 3),
    ]


@pytest.mark.not_on_spark
def test_export_in_sunbirds_layout(run_export: RunExport, tmp_path: Path) -> None:
    run_export(
        Criteria([MATHS], batches=["001"], form=ReportForm(layout=Layout.SUNBIRD)), Path("all.csv")
    )
    run_export(
        Criteria([MATHS], batches=["002"], form=ReportForm(layout=Layout.SUNBIRD)), Path("two.csv")
    )
    fixed = "Batch Id,User UUID,Enrolment Date,Progress,Total Score"
    long_label = '"do_' + "9" * 70 + ', ""final"" - Score"'
    assert reports(tmp_path) == {
        "all.csv": f"{fixed},do_7 - Score,{long_label}\n"
        "BatchId_001,u1,01/02/2026,100,47%,0%,50%\nBatchId_001,u2,,0,,,\n",
        # No learner of this batch attempted the other assessment.
        "two.csv": f'{fixed},{long_label}\nBatchId_002,"u,3",31/12/2025,5,10%,10%\n',
    }


@pytest.mark.not_on_spark
def test_sunbirds_layout_considers_only_learners_in_the_file(
    run_export: RunExport, tmp_path: Path
) -> None:
    run_export(Criteria([MATHS], user_id=MENTOR, form=ReportForm(layout=Layout.SUNBIRD)))
    (report,) = reports(tmp_path).values()
    assert report == "Batch Id,User UUID,Enrolment Date,Progress,Total Score\nBatchId_001,u2,,0,\n"
