import json
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from cli_support import BATCH, COURSE, MENTOR, call


def test_export_writes_a_file_and_counts_what_it_left_out(
    sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("export", COURSE, "-b", BATCH, "--json") == 0
    shown = capsys.readouterr()
    (file,) = json.loads(shown.out)["files"]
    content = (sample / file["file"]).read_bytes()
    assert len(content) == file["bytes"]
    assert f"{file['file']}: {file['rows']} rows; left out: 3 inactive, 1 no" in shown.err

    assert call("export", COURSE, "-b", BATCH, "-q", "-o", "one.csv") == 0
    assert (sample / "one.csv").read_bytes() == content
    shown = capsys.readouterr()
    assert shown.out + shown.err == ""


def test_an_export_is_summed_up_in_four_lines(
    sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("export", COURSE, "-b", BATCH, "-o", "one.csv") == 0
    file, sum_of_rows, as_of, proof = capsys.readouterr().err.splitlines()
    assert file == (
        "one.csv: 11 rows; left out: 3 inactive, 1 no enrolment date, 1 enrolment date unreadable"
    )
    assert sum_of_rows == "16 enrolments = 11 rows + 5 left out."
    minute = r"\d{4}-\d\d-\d\d \d\d:\d\d"
    # The sample's newest attempt is of 06:00 UTC.
    assert re.fullmatch(
        rf"Newest activity 2024-06-20 11:30, loaded {minute}, built {minute} \(Asia/Kolkata\)\.",
        as_of,
    )
    digest = sha256((sample / "one.csv").read_bytes()).hexdigest()
    assert proof == f"SHA-256 {digest}; receipt: one.csv.receipt.json"
    assert call("export", COURSE, "-b", BATCH, "-o", "-") == 0
    assert capsys.readouterr().err.splitlines()[3] == f"SHA-256 {digest}"


def test_an_export_of_several_files_is_summed_up(
    sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("export", COURSE) == 0
    *files, sum_of_rows, _, receipts = capsys.readouterr().err.splitlines()
    rows = sum(int(file.partition(": ")[2].split()[0]) for file in files)
    assert f" = {rows} rows in {len(files)} files + " in sum_of_rows
    assert receipts == "Each file has a receipt next to it: <file>.receipt.json."


@pytest.mark.not_on_spark
@pytest.mark.parametrize(("user", "uses_ledger"), [([], False), (["--as", MENTOR], True)])
def test_only_an_export_for_a_requester_imports_the_ledger(
    sample: Path, user: list[str], uses_ledger: bool
) -> None:
    arguments = ["export", COURSE, "-b", BATCH, "-o", "one.csv", *user]
    code = (
        f"import sys, exhaust.cli.app\ntry:\n    exhaust.cli.app.app({arguments})\n"
        "except SystemExit as ended:\n    assert not ended.code\n"
        "print(*sorted({'sqlalchemy', 'exhaust.requests.ledger', 'dbt'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert done.stdout == ("exhaust.requests.ledger sqlalchemy\n" if uses_ledger else "\n")
    assert (sample / "one.csv").is_file()


def test_export_in_sunbirds_layout(sample: Path) -> None:
    assert call("export", COURSE, "-b", BATCH, "--layout", "sunbird", "-o", "one.csv") == 0
    header, first, *_ = (sample / "one.csv").read_text("utf-8").splitlines()
    assert header.startswith("Collection Id,Collection Name,Batch Id,Batch Name,User UUID,")
    assert f",BatchId_{BATCH}," in first


def test_export_to_standard_output(sample: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert call("export", COURSE, "-o", "one.csv") == 0
    assert call("export", COURSE, "-o", "-") == 0
    shown = capfdbinary.readouterr()
    assert shown.out == (sample / "one.csv").read_bytes()
    assert b"rows" in shown.err


def test_verify_names_the_change(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("export", COURSE, "-q", "-o", "one.csv", "--as", MENTOR) == 0
    assert call("verify", "one.csv") == 0
    assert capsys.readouterr().err == "one.csv is unchanged: 23 rows.\n"
    file = sample / "one.csv"
    file.write_bytes(file.read_bytes().replace(b"%", b""))
    assert call("verify", "one.csv", "--json") == 7
    shown = capsys.readouterr()
    (change,) = json.loads(shown.out)["changes"]
    assert change.startswith("a score that is not a whole percentage: ")
    assert f"\n  {change}\nhint: " in shown.err
    assert call("verify", "two.csv") == 3
