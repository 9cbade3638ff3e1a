"""`verify` on files whose rows were sorted in a spreadsheet program."""

import random
import tracemalloc
from pathlib import Path

import duckdb
import pytest
from verify_support import BATCHES, ROWS, Changes, change_receipt, receipt_for, report, write_report

from exhaust.errors import DiskFull
from exhaust.reports.verify import verify

pytestmark = pytest.mark.not_on_spark

ONLY_SORTED = "the rows are in another order, no value was changed"


def rewrite(file: Path, rows: list[str], end: str = "\n") -> list[str]:
    """Writes other rows and returns the changes found."""
    file.write_bytes(report(rows, end=end).encode())
    return verify(file).changes


def test_a_sorted_file_is_recognised(file: Path) -> None:
    assert rewrite(file, ROWS[::-1]) == [ONLY_SORTED]
    assert rewrite(file, ROWS[1:] + ROWS[:1], "\r\n") == [
        "lines end in CR LF, not in LF",
        ONLY_SORTED,
    ]


def test_the_order_is_that_of_bytes(file: Path) -> None:
    users = ["10", "9", "A", "a", "é", "ஆ", "🎓"]
    rows = [ROWS[0].replace("u1", user) for user in users]
    write_report(file, rows)
    assert rewrite(file, rows[::-1]) == [ONLY_SORTED]


def test_a_sorted_file_with_changed_values_is_both(file: Path) -> None:
    rows = [row.replace("03/02/2026", "2026-02-03") for row in ROWS[::-1]]
    assert rewrite(file, rows) == [
        "rows are not in the report's order, first in row 3, User UUID: `u2`",
        "a date that is not written as dd/mm/yyyy: 1 time, "
        "first in row 3, Enrolment Date: `2026-02-03`",
    ]
    rows = [row.replace("47%", "48%") for row in ROWS[::-1]]
    order, values = rewrite(file, rows)
    assert order.startswith("rows are not in the report's order, first in row 3")
    assert values.startswith("values were changed, but the file does not show which")


def test_a_sorted_file_with_rows_missing_is_both(file: Path) -> None:
    assert rewrite(file, [ROWS[2], ROWS[0]]) == [
        "rows are not in the report's order, first in row 3, User UUID: `u1`",
        "it has 2 rows; the receipt says 3",
    ]


def test_a_learner_who_is_there_twice_is_found_in_any_order(file: Path) -> None:
    _, _, twice = rewrite(file, [ROWS[1], ROWS[0], ROWS[1], ROWS[0], ROWS[0]])
    assert twice == "a learner who is in a batch twice: 3 times, first in row 4, User UUID: `u2`"


def test_damaged_batch_ids_are_no_other_order(changes: Changes) -> None:
    # Of two batches, nothing shows which one a row was in.
    (change,) = changes(*((batch, "1.303E+17") for batch in BATCHES), ('"u,3"', "a"))
    assert change.startswith("an ID that became a number in scientific notation: 3 times")


@pytest.mark.parametrize("damaged", ["1.303E+17", "130300000000000101.00"])
def test_rows_of_one_batch_have_an_order_without_its_id(file: Path, damaged: str) -> None:
    change_receipt(file, batches=receipt_for(file)["batches"][:1], rows=2)
    rows = [row.replace(BATCHES[0], damaged) for row in ROWS[1::-1]]
    order, _ = rewrite(file, rows)
    assert order.startswith("rows are not in the report's order")


def test_lost_zeros_do_not_hide_the_order(changes: Changes) -> None:
    order, zeros = changes(*((batch, batch[1:]) for batch in BATCHES), ("u1", "u9"), ("u2", "u8"))
    assert order == "rows are not in the report's order, first in row 3, User UUID: `u8`"
    assert zeros.startswith("an ID that lost its leading zeros: 3 times")


def test_without_the_ids_there_is_no_order(file: Path) -> None:
    text = report([row.replace("u1", "u9") for row in ROWS]).replace("User UUID", "User UUID ,x")
    file.write_text(text)
    assert not any("order" in change for change in verify(file).changes)


def test_a_large_file_is_sorted_in_little_memory(file: Path) -> None:
    rows = [ROWS[0].replace("u1", f"user-{number:09}") for number in range(30_000)]
    write_report(file, rows)
    random.Random(1).shuffle(rows)
    file.write_text(report(rows))
    tracemalloc.start()
    found = verify(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.changes == [ONLY_SORTED]
    assert peak < 8 << 20


def test_a_full_disk_is_said(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def copy(*_: object) -> int:
        raise duckdb.IOException("Could not write file: No space left on device")

    monkeypatch.setattr("exhaust.reports.changes.copy_through_pipe", copy)
    with pytest.raises(DiskFull, match="No space left"):
        rewrite(file, ROWS[::-1])
