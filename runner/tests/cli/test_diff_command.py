"""`exhaust diff`, and `exhaust verify` with a password."""

import io
import json
import sys
from pathlib import Path

import pytest
from cli_support import call
from json_page import assert_documented
from report_files import ROWS, write_report_file

from exhaust.cli import diff
from exhaust.reports.formats import Format
from exhaust.reports.protection import protect

pytestmark = pytest.mark.not_on_spark

PASSWORD = "correct horse"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes old.csv and new.xlsx, in the current folder: a learner is gone, and one completed."""
    monkeypatch.chdir(tmp_path)
    later = [list(row) for row in ROWS[1:]]
    later[0][6] = "01/07/2026"
    write_report_file(Path("old.csv"), "csv", ROWS)
    write_report_file(Path("new.xlsx"), "xlsx", later)


def give_password(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{password}\n".encode())))


@pytest.mark.usefixtures("files")
class TestDiff:
    def test_counts_come_first_then_a_table(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert call("diff", "old.csv", "new.xlsx") == 0
        shown = capsys.readouterr()
        assert shown.out.splitlines() == [
            "old.csv: 6 rows; new.xlsx: 5 rows.",
            "0 new, 1 gone, 1 completed since, 0 certified since.",
            "1 learner changed in 1 cell; 4 unchanged.",
            "Changed cells: Completion Date 1.",
            "",
            "Change     Batch                User  Column           Old  New",
            "gone       0130300000000000101  u1",
            "completed  0130300000000000101  u2    Completion Date       01/07/2026",
        ]
        assert shown.err == ""

    def test_only_some_differences_are_shown(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(diff, "MAX_SHOWN", 1)
        assert call("diff", "old.csv", "new.xlsx") == 0
        shown = capsys.readouterr()
        assert "u2" not in shown.out
        assert shown.err.startswith("And 1 more difference: ")

    def test_csv_goes_to_standard_output(self, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        assert call("diff", "old.csv", "new.xlsx", "--format", "csv") == 0
        shown = capfdbinary.readouterr()
        assert shown.out == (
            b"Change,Collection ID,Batch ID,User UUID,Column,Old,New\n"
            b"gone,do_1,0130300000000000101,u1,,,\n"
            b"completed,do_1,0130300000000000101,u2,Completion Date,,01/07/2026\n"
        )
        assert b"1 completed since" in shown.err

    def test_csv_goes_to_a_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert call("diff", "old.csv", "new.xlsx", "-o", "diff.csv") == 0
        assert Path("diff.csv").read_text().count("\n") == 3
        assert capsys.readouterr().out == ""

    def test_json_has_everything(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(diff, "MAX_SHOWN", 1)
        assert call("diff", "old.csv", "new.xlsx", "--json") == 0
        document = assert_documented("diff", capsys.readouterr().out)
        assert [one["change"] for one in document["differences"]] == ["gone", "completed"]

    def test_json_and_csv_cannot_share_standard_output(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert call("diff", "old.csv", "new.xlsx", "--json", "--format", "csv") == 2
        assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"

    def test_what_is_broken_is_said_before(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("old.csv").write_text(Path("old.csv").read_text().replace("29%", "0.29"))
        Path("new.xlsx.receipt.json").unlink()
        assert call("diff", "old.csv", "new.xlsx") == 0
        said = capsys.readouterr().err.splitlines()
        assert said[1:3] == [
            "old.csv: values that a spreadsheet program broke:",
            "  a score that is not a whole percentage: 1 time, first in row 6, Total Score: `0.29`",
        ]
        assert said[3].startswith("new.xlsx has no receipt")
        assert call("diff", "old.csv", "new.xlsx", "-q") == 0
        assert capsys.readouterr().err == ""

    def test_a_password_opens_both(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Path("new.zip").open("wb") as protected:
            protect(Path("old.csv"), Format.CSV, PASSWORD, protected)
        assert call("diff", "old.csv", "new.zip") == 2
        give_password(monkeypatch, PASSWORD)
        assert call("diff", "old.csv", "new.zip", "--password-stdin") == 0
        assert "0 learners changed in 0 cells; 6 unchanged." in capsys.readouterr().out


def test_verify_takes_a_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "report.xlsx"
    write_report_file(file, "xlsx", ROWS)
    plain = file.rename(tmp_path / "plain.xlsx")
    with file.open("wb") as protected:
        protect(plain, Format.XLSX, PASSWORD, protected)
    assert call("verify", str(file)) == 2
    for password, code in (("another one", 2), (PASSWORD, 7)):
        give_password(monkeypatch, password)
        assert call("verify", str(file), "--password-stdin") == code
    assert "no value was changed, only the form of the file" in capsys.readouterr().err
