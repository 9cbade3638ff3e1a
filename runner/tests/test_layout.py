from exhaust.marts.header_plan import assessments
from exhaust.reports.layout import sunbird_plan

PLAN = [
    {"column_name": "course_id", "label": "Collection ID", "kind": "text"},
    {"column_name": "batch_id", "label": "Batch ID", "kind": "text"},
    {"column_name": "school_id", "label": "School ID", "kind": "text"},
    {"column_name": "progress", "label": "Progress", "kind": "number"},
    *(
        {"column_name": name, "label": f"{name} - Score", "kind": "score", "assessment_ordinal": n}
        for n, name in enumerate(["do_9", "do_10", "do_é", "do_Z"], 1)
    ),
]


def test_assessments() -> None:
    assert [column["assessment_ordinal"] for column in assessments(PLAN)] == [1, 2, 3, 4]


def test_labels_as_sunbird_writes_them() -> None:
    plan = sunbird_plan(PLAN, [0, 0, 0, 0])
    assert [(column["label"], column["kind"]) for column in plan] == [
        ("Collection Id", "text"),
        ("Batch Id", "sunbird_batch"),
        ("School Id", "text"),
        ("Progress", "number"),
    ]


def test_attempted_assessments_by_their_ids() -> None:
    plan = sunbird_plan(PLAN, [3, 1, 1, 0])
    assert [(c["label"], c["assessment_ordinal"]) for c in assessments(plan)] == [
        ("do_10 - Score", 2),
        ("do_9 - Score", 1),
        ("do_é - Score", 3),
    ]
