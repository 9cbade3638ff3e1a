"""Receipts that were forged, for a file whose SHA-256 they have."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from handmade_marts import EMPTY, MATHS
from key_pair import KeyPair
from support import RunExport
from verify_support import BATCHES, HEADER, ROWS, change_receipt, receipt_for, receipt_of, report

from exhaust.reports.form import ReportForm
from exhaust.reports.layout import Layout
from exhaust.reports.receipt_check import MAX_FAULTS
from exhaust.reports.selection import Criteria
from exhaust.reports.signature import SignatureState
from exhaust.reports.verify import verify

pytestmark = pytest.mark.not_on_spark

LEFT_OUT = {"inactive": 1}


def batch(number: int, rows: int, name: str | None = None) -> dict[str, Any]:
    return {
        "id": name or BATCHES[number],
        "name": None,
        "rows": rows,
        "enrolments": rows + 1,
        "left_out": LEFT_OUT,
    }


def forge(file: Path, text: str) -> None:
    """Replaces the file, and gives its receipt the SHA-256 and the size."""
    file.write_text(text, "utf-8", newline="")
    content = file.read_bytes()
    change_receipt(file, sha256=sha256(content).hexdigest(), bytes=len(content))


def faults(file: Path) -> list[str]:
    found = verify(file)
    assert found.is_unchanged is not bool(found.changes)
    start = "the receipt was changed: "
    assert all(change.startswith(start) for change in found.changes)
    return [change.removeprefix(start) for change in found.changes]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"bytes": 5}, "it has another size than the file"),
        ({"rows": 4, "enrolments": 6}, "its rows are not the sum of its batches"),
        ({"enrolments": 9}, "its enrolments are not its rows and those left out"),
        (
            {"left_out": {"other": 2}},
            "those left out are not the sum of its batches",
        ),
        (
            {"filters": {"batches": ["other"], "root_org_id": None}},
            "its batches are not those that were chosen",
        ),
        (
            {"batches": [batch(0, 1), batch(1, 2)]},
            f"the file has 2 rows of course `do_1`, batch `{BATCHES[0]}`, not 1",
        ),
        (
            {"course": {"id": "do_2", "name": None}},
            f"the file has rows of course `do_1`, batch `{BATCHES[0]}`, which are not in the "
            "receipt",
        ),
        (
            {"batches": [batch(0, 2), batch(1, 1, "other")]},
            "the file has no rows of course `do_1`, batch `other`, not 1",
        ),
        (
            {"layout": "sunbird"},
            f"the file has no rows of course `do_1`, batch `BatchId_{BATCHES[0]}`, not 2",
        ),
        (
            {"columns": [{"label": "Collection ID", "kind": "text"}]},
            "its columns are not those of the file",
        ),
    ],
    ids=str,
)
def test_a_forged_receipt_is_found_out(file: Path, changed: dict[str, Any], fault: str) -> None:
    assert faults(file) == []
    change_receipt(file, **changed)
    assert fault in faults(file)


def test_a_batch_that_does_not_add_up_is_found_out(file: Path) -> None:
    forged = {**batch(0, 2), "enrolments": 7}
    change_receipt(file, batches=[forged, batch(1, 1)])
    assert faults(file) == [
        f"batch `{BATCHES[0]}`: its enrolments are not its rows and those left out"
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("nonsense", "its columns are not those of the file"),
        ("", "its columns are not those of the file"),
        (f"{HEADER}\nnonsense\n", "the file cannot be read with these columns"),
        (report([f"{ROWS[0]},more"]), "the file cannot be read with these columns"),
        (report([ROWS[0], '"', *ROWS[1:]]), "the file cannot be read with these columns"),
        (report(ROWS[:2]), f"the file has no rows of course `do_1`, batch `{BATCHES[1]}`, not 1"),
        (
            report([*ROWS, ROWS[0].replace("u1", "u0")]),
            f"the file has 3 rows of course `do_1`, batch `{BATCHES[0]}`, not 2",
        ),
        (
            report(ROWS).replace("01/02/2026", "2026-02-01"),
            "the file has a date that is not written as dd/mm/yyyy: 1 time",
        ),
        (
            report(ROWS).replace("%", ""),
            "the file has a score that is not a whole percentage: 4 times",
        ),
    ],
    ids=range(9),
)
def test_a_file_that_its_receipt_does_not_describe_is_found_out(
    file: Path, text: str, fault: str
) -> None:
    forge(file, text)
    assert faults(file) == [fault]


def test_bytes_that_are_not_text_are_found_out(file: Path) -> None:
    file.write_bytes(report(ROWS).encode() + b"\xff" * 99)
    content = file.read_bytes()
    change_receipt(file, sha256=sha256(content).hexdigest(), bytes=len(content))
    assert faults(file) == ["the file cannot be read with these columns"]


def test_names_in_a_forged_file_cannot_control_the_terminal(file: Path) -> None:
    forge(file, report([ROWS[0].replace("do_1", "\x1b[31m")]))
    assert r"course `\x1b[31m`" in faults(file)[0]


def test_only_some_faults_are_shown(file: Path) -> None:
    forge(file, report([ROWS[0].replace("do_1", f"do_{number}") for number in range(99)]))
    change_receipt(
        file, batches=[batch(0, 2, f"b{number}") for number in range(99)], rows=198, enrolments=297
    )
    found = verify(file).changes
    assert len(found) == MAX_FAULTS + 1
    assert found[-1].endswith("more")


@pytest.mark.parametrize("name", ["a*.csv", "a[b].csv", "a?.csv", "c0=2026/a.csv", "a.csv.gz", "'"])
def test_odd_names_of_files_are_read(file: Path, tmp_path: Path, name: str) -> None:
    """Also if the engine could take them for something else."""
    odd = tmp_path / "odd" / name
    odd.parent.mkdir(parents=True)
    file.rename(odd)
    (tmp_path / "odd" / "ab.csv").write_text("nonsense")
    receipt_of(odd).write_text(json.dumps(receipt_for(odd)))
    assert faults(odd) == []


def test_the_receipt_of_a_trusted_key_is_believed(
    file: Path, keys: KeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made where the rows were counted."""
    monkeypatch.setattr("exhaust.reports.verify.find_faults", pytest.fail)
    monkeypatch.setattr("exhaust.reports.verify.check_signature", lambda *_: SignatureState.VALID)
    assert verify(file, public_keys=keys.listed).is_unchanged


@pytest.mark.parametrize("layout", list(Layout))
def test_what_export_writes_passes(run_export: RunExport, tmp_path: Path, layout: Layout) -> None:
    run_export(Criteria([MATHS], form=ReportForm(layout=layout)), tmp_path / "all.csv")
    run_export(Criteria([EMPTY], form=ReportForm(layout=layout)), tmp_path / "empty.csv")
    for name in ("all.csv", "empty.csv"):
        assert faults(tmp_path / name) == []


def test_long_and_quoted_values_pass(file: Path) -> None:
    """With line breaks, quotes, and three megabytes."""
    values = ['"a\n""b"', '"\r\n"', f'"{"x" * (3 << 20)},"', '""', "a#b", " "]
    forge(file, report([ROWS[0].replace("u1", value) for value in values]))
    change_receipt(file, batches=[batch(0, 6), batch(1, 0)], rows=6, enrolments=8)
    assert faults(file) == []
