from typing import Any

from exhaust.marts.header_plan import assessments

PLAN: list[dict[str, Any]] = [
    {"column_name": "course_id", "label": "Collection ID", "kind": "text"},
    {"column_name": "progress", "label": "Progress", "kind": "number"},
    *(
        {"column_name": name, "label": f"{name} - Score", "kind": "score", "assessment_ordinal": n}
        for n, name in enumerate(["do_9", "do_10", "do_é", "do_Z"], 1)
    ),
]


def test_assessments_are_the_columns_of_scores() -> None:
    assert [column["assessment_ordinal"] for column in assessments(PLAN)] == [1, 2, 3, 4]
