"""Splitting rows by district, block or school."""

from collections.abc import Mapping, Sequence

import pytest
from formats_support import fixed, report_rows

from exhaust.reports.form import SplitBy
from exhaust.reports.split import Part, split

pytestmark = pytest.mark.not_on_spark

PLACES = fixed("user_id", "state", "district", "block", "school_id", "school_name")

Values = Mapping[str, str | None]


def parts_of(values: Sequence[Values], by: SplitBy) -> tuple[list[Part], dict[int, list[str]]]:
    """Returns the parts, and the users of each by its number."""
    numbered = [{"user_id": f"u{number}", **value} for number, value in enumerate(values)]
    with report_rows(PLACES, numbered) as rows:
        parts = split(rows.duck, rows.relation, "split", by, rows.columns)
        found = rows.duck.execute(
            f"select part, {rows.columns[0].name} from split order by part, rowid"
        ).fetchall()
    users: dict[int, list[str]] = {}
    for part, user in found:
        users.setdefault(part, []).append(user)
    return parts, users


def names(values: Sequence[Values], by: SplitBy = SplitBy.DISTRICT) -> list[str]:
    return [part.name for part in parts_of(values, by)[0]]


def test_rows_keep_their_order_and_those_without_a_district_come_last() -> None:
    values: list[Values] = [
        {"state": "Bihar", "district": "Patna"},
        {"state": "Bihar", "district": None},
        {"state": "Bihar", "district": "Gaya"},
        {"state": "Bihar", "district": "Patna"},
        {"state": None, "district": ""},
    ]
    parts, users = parts_of(values, SplitBy.DISTRICT)
    assert [(part.name, part.rows, users[part.number]) for part in parts] == [
        ("Gaya", 1, ["u2"]),
        ("Patna", 2, ["u0", "u3"]),
        ("no-district", 2, ["u1", "u4"]),
    ]
    assert parts[1].values == {"State": "Bihar", "District": "Patna"}
    assert parts[2].values == {"State": None, "District": None}


def test_districts_of_one_name_in_two_states_are_two_files() -> None:
    values: list[Values] = [
        {"state": "Bihar", "district": "Aurangabad"},
        {"state": "Maharashtra", "district": "Aurangabad"},
        {"state": "Bihar", "district": "Patna"},
    ]
    assert names(values) == ["Bihar-Aurangabad", "Patna", "Maharashtra-Aurangabad"]


def test_blocks_of_one_name_in_two_districts_are_two_files() -> None:
    values: list[Values] = [
        {"state": "Bihar", "district": "Gaya", "block": "Town"},
        {"state": "Bihar", "district": "Patna", "block": "Town"},
    ]
    assert names(values, SplitBy.BLOCK) == ["Bihar-Gaya-Town", "Bihar-Patna-Town"]


def test_a_school_is_one_file_however_its_name_is_written() -> None:
    values: list[Values] = [
        {"school_id": "0912", "school_name": "PS Rampur"},
        {"school_id": "0912", "school_name": "P.S. RAMPUR"},
        {"school_id": None, "school_name": "Without an ID"},
        {"school_id": None, "school_name": None},
    ]
    parts, users = parts_of(values, SplitBy.SCHOOL)
    assert [(part.name, users[part.number]) for part in parts] == [
        ("0912-P-S-RAMPUR", ["u0", "u1"]),
        ("Without-an-ID", ["u2"]),
        ("no-school", ["u3"]),
    ]


@pytest.mark.parametrize(
    ("district", "name"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("\x1b]0;x\x07", "0-x"),
        ("लखनऊ", "लखनऊ"),
        ("கப்பலூர்", "கப்பலூர்"),
        ("a" * 300, "a" * 80),
        ("***", "no-district"),
        ("=1+1", "1-1"),
    ],
)
def test_hostile_names_are_safe_in_a_file_name(district: str, name: str) -> None:
    assert names([{"state": "s", "district": district}]) == [name]


def test_no_two_files_have_one_name_in_any_case() -> None:
    districts = ["A b", "a-B", "a b-2", "no district", None]
    found = names([{"state": "s", "district": one} for one in districts])
    assert len({name.casefold() for name in found}) == len(districts)


def test_a_report_without_rows_is_one_file() -> None:
    assert parts_of([], SplitBy.BLOCK)[0] == [
        Part(1, {"State": None, "District": None, "Block Name": None}, "no-block", 0)
    ]
