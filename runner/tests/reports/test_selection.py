from io import BytesIO
from pathlib import Path

import pytest
from handmade_marts import MATHS, MATHS_2

from exhaust.errors import UsageError
from exhaust.reports.selection import Criteria, Destination


@pytest.mark.parametrize(
    ("criteria", "destination"),
    [
        (Criteria(), Destination()),
        (Criteria([MATHS], all_courses=True), Destination()),
        (Criteria([MATHS, MATHS_2], batches=["001"]), Destination()),
        (Criteria(all_courses=True, batches=["001"]), Destination()),
        (Criteria([MATHS, MATHS_2]), Destination(Path("x.csv"))),
        (Criteria(all_courses=True), Destination(BytesIO())),
        (Criteria([MATHS]), Destination(Path())),
        (Criteria([MATHS]), Destination(Path("missing/x.csv"))),
    ],
    ids=str,
)
def test_contradictory_options_are_refused(
    criteria: Criteria, destination: Destination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def check() -> None:
        criteria.check()
        destination.check(criteria)

    with pytest.raises(UsageError):
        check()


@pytest.mark.parametrize(
    ("criteria", "destination"),
    [
        (Criteria([MATHS]), Destination(BytesIO())),
        (Criteria([MATHS, MATHS_2]), Destination(folder=Path("out"))),
        (Criteria([MATHS], batches=["a", "b"]), Destination(Path("/dev/null"))),
        (Criteria(all_courses=True), Destination()),
    ],
    ids=str,
)
def test_consistent_options_are_accepted(criteria: Criteria, destination: Destination) -> None:
    criteria.check()
    destination.check(criteria)
