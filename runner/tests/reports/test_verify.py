import json
from pathlib import Path
from typing import Any

import pytest
from verify_support import ROWS, change_receipt, receipt_fields, receipt_of, write_report

from exhaust.errors import DataError, NotFound
from exhaust.reports import receipt_reader
from exhaust.reports.signature import SignatureState
from exhaust.reports.verify import verify

pytestmark = pytest.mark.not_on_spark


def test_an_unchanged_file_passes(file: Path) -> None:
    found = verify(file)
    assert (found.file, found.receipt) == (str(file), str(receipt_of(file)))
    assert (found.is_unchanged, found.rows, found.changes, found.hint) == (True, 3, [], None)
    assert (found.renamed_from, found.signature, found.notes) == (None, SignatureState.UNSIGNED, [])


def test_a_missing_file_or_receipt_is_an_error(file: Path) -> None:
    receipt_of(file).unlink()
    with pytest.raises(NotFound, match=r"no receipt .*report\.csv\.receipt\.json") as missing:
        verify(file)
    assert "--receipt" in str(missing.value.hint)
    with pytest.raises(NotFound, match="no file"):
        verify(file.with_name("other.csv"))


@pytest.mark.parametrize(
    "change",
    [
        *("{", "[]", '{"receipt": 1}', "[" * 200_000),
        '{"a": 1, "a": 2, ',
        '{"a": NaN, ',
    ],
    ids=len,
)
def test_a_damaged_receipt_is_refused(file: Path, change: str) -> None:
    whole = receipt_of(file).read_text()
    receipt_of(file).write_text(change + whole[1:] if change.endswith(", ") else change)
    with pytest.raises(DataError, match="is not a receipt"):
        verify(file)


def test_a_file_that_is_too_large_for_a_receipt_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipt_reader, "MAX_RECEIPT_BYTES", receipt_of(file).stat().st_size - 1)
    with pytest.raises(DataError, match="is not a receipt"):
        verify(file)


@pytest.mark.parametrize(
    "changed",
    [
        {"receipt": 2},
        {"file": 1},
        {"bytes": None},
        {"rows": "3"},
        {"sha256": 5},
        {"course": {"id": 1}},
        {"batches": [{}]},
        {"columns": [{"label": "Progress", "kind": []}]},
        {"columns": [{"label": 5, "kind": "text"}]},
        {"columns": 2 * [{"label": "Progress", "kind": "number"}]},
        {"rows": -1},
        {"rows": True},
        {"rows": 3.0},
        {"left_out": {"inactive": -1}},
        {"left_out": [1]},
        {"sha256": "0" * 63},
        {"layout": "other"},
        {"layout": []},
        {"exported_at": "yesterday"},
        {"exported_at": "2026-13-01T00:00:00Z"},
        {"data": {}},
        {"build": None},
        {"filters": {"batches": "all", "root_org_id": None}},
        {"requester": 7},
    ],
    ids=str,
)
def test_a_receipt_with_wrong_fields_is_refused(file: Path, changed: dict[str, object]) -> None:
    change_receipt(file, **changed)
    with pytest.raises(DataError, match="is not a receipt"):
        verify(file)


@pytest.mark.parametrize("missing", sorted(receipt_fields()))
def test_a_receipt_without_a_field_is_refused(file: Path, missing: str) -> None:
    content = json.loads(receipt_of(file).read_text())
    del content[missing]
    receipt_of(file).write_text(json.dumps(content))
    with pytest.raises(DataError, match="is not a receipt"):
        verify(file)


def test_a_pair_that_is_replaced_meanwhile_is_read_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export may come between reading the file and reading the receipt."""
    exports = iter([1, 2])

    def export_meanwhile(*arguments: Any) -> Any:
        if number := next(exports, None):
            file.unlink()
            write_report(file, ROWS[:number])
        return find_receipts(*arguments)

    find_receipts = receipt_reader.find_receipts
    monkeypatch.setattr("exhaust.reports.verify.find_receipts", export_meanwhile)
    found = verify(file)
    assert (found.is_unchanged, found.rows) == (True, 2)


class TestRenamedFile:
    @pytest.mark.parametrize(
        "receipt", ["report.csv.receipt.json", "report.csv.receipt (1).json"], ids=len
    )
    def test_its_receipt_is_found_by_the_checksum(self, file: Path, receipt: str) -> None:
        # A receipt that fits is found among others, and among files that are none.
        write_report(file.with_name("a.csv"), ROWS[:1])
        file.with_name("b.receipt.json").write_text("{}")
        receipt_of(file).rename(file.with_name(receipt))
        renamed = file.rename(file.with_name("report (1).csv"))
        found = verify(renamed)
        assert (found.is_unchanged, found.rows, found.changes) == (True, 3, [])
        assert (found.receipt, found.renamed_from) == (str(file.with_name(receipt)), "report.csv")
        assert found.notes == ["The file was renamed: it was `report.csv`."]

    def test_its_receipt_can_be_given(self, file: Path, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        renamed = file.rename(tmp_path / "other" / "mine.csv")
        with pytest.raises(NotFound, match="no receipt") as missing:
            verify(renamed)
        assert missing.value.hint == "If the file was renamed, give its receipt with --receipt."
        found = verify(renamed, receipt_of(file))
        assert (found.is_unchanged, found.renamed_from) == (True, "report.csv")
        renamed.write_text(renamed.read_text().replace("47%", "99%"))
        found = verify(renamed, receipt_of(file))
        assert (found.is_unchanged, found.renamed_from) == (False, "report.csv")
        with pytest.raises(NotFound, match="There is no receipt"):
            verify(renamed, tmp_path / "none.json")

    def test_a_changed_file_finds_no_receipt_of_another(self, file: Path) -> None:
        renamed = file.rename(file.with_name("mine.csv"))
        renamed.write_text(renamed.read_text().replace("47%", "99%"))
        with pytest.raises(NotFound, match="SHA-256"):
            verify(renamed)

    def test_only_some_receipts_of_a_folder_are_read(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        renamed = file.rename(file.with_name("mine.csv"))
        monkeypatch.setattr(receipt_reader, "MAX_RECEIPTS", 0)
        with pytest.raises(NotFound):
            verify(renamed)

    def test_its_old_name_cannot_control_the_terminal(self, file: Path) -> None:
        change_receipt(file, file="\x1b[31mreport.csv")
        (note,) = verify(file).notes
        assert note == r"The file was renamed: it was `\x1b[31mreport.csv`."


def test_the_result_is_json(file: Path) -> None:
    """`verify --json` prints it."""
    from dataclasses import asdict

    assert json.loads(json.dumps(asdict(verify(file))))["signature"] == "unsigned"
