"""Reports in every form, from built marts: the same values as the golden files."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from oracle import file_name as golden_name
from support import GOLDEN, SCENARIOS, Built

from exhaust import api
from exhaust.errors import DataError, NotFound, UsageError, WrongPassword
from exhaust.marts.header_plan import additions
from exhaust.project.settings import Settings
from exhaust.reports.form import Headers, ReportForm, SplitBy
from exhaust.reports.formats import Format
from exhaust.reports.receipt import receipt_path
from exhaust.reports.report_file import ReportFile

COURSE = "do_31300000000000000001"
BATCH, WITH_LEFT_OUT, EMPTY = ("0130300000000000101", "0130300000000000103", "0130300000000000104")
PASSWORD = "correct horse"

ADDITIONS = additions()
DATES_TO_ADD = ("Last Activity", "Certificate Date")

Csv = list[list[str]]


@pytest.fixture
def sample(built: Built) -> Settings:
    return built(SCENARIOS["sample"])


def golden(batch: str) -> Path:
    return GOLDEN / "sample" / f"{batch}.csv"


def lines(file: Path) -> Csv:
    return [*csv.reader(io.StringIO(file.read_text("utf-8-sig"), newline=""))]


def exported(
    settings: Settings, folder: Path, form: ReportForm, batch: str = BATCH, **more: Any
) -> list[ReportFile]:
    return api.export(settings, [batch], form=form, output_dir=folder, **more).files


def receipt(file: ReportFile) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(receipt_path(Path(file.file)).read_bytes())
    return content


@pytest.mark.parametrize("format", [Format.XLSX, Format.CSV_EXCEL])
@pytest.mark.parametrize("batch", [BATCH, WITH_LEFT_OUT, EMPTY])
def test_the_twin_of_a_file_is_the_default_csv(
    sample: Settings, tmp_path: Path, format: Format, batch: str
) -> None:
    (file,) = exported(sample, tmp_path, ReportForm(format=format), batch)

    twin = hashlib.sha256(golden(batch).read_bytes()).hexdigest()
    assert receipt(file)["twin_sha256"] == twin
    assert receipt(file)["rows"] == len(lines(golden(batch))) - 1
    assert api.verify(file.file).is_unchanged


@pytest.mark.parametrize("format", [*Format])
def test_the_same_data_gives_the_same_bytes(
    sample: Settings, tmp_path: Path, format: Format
) -> None:
    first, second = (
        exported(sample, tmp_path / name, ReportForm(format=format))[0].sha256 for name in "ab"
    )
    assert first == second


def as_csv_for_excel(rows: Csv) -> bytes:
    """Makes CSV for Excel from the default CSV, by the rules of docs/formats.md."""
    header, *others = rows
    cells = [[_cell(*cell) for cell in zip(header, row, strict=True)] for row in others]
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([[*map(_guarded, header)], *cells])
    return text.getvalue().encode("utf-8-sig")


def _cell(label: str, value: str) -> str:
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    if value and label in ("Collection ID", "Batch ID", "User UUID", "School ID"):
        return '="' + value.replace('"', '""') + '"'
    if value and label in (*("Enrolment Date", "Completion Date"), *DATES_TO_ADD):
        day, month, year = value.split("/")
        return f"{year}-{month}-{day}"
    return _guarded(value)


def _guarded(text: str) -> str:
    return f"'{text}" if re.match(r"'*(\s*[=+@-]| *[\t\n])", text) else text


@pytest.mark.parametrize("scenario", ["sample", "hostile"])
def test_csv_for_excel_has_the_values_of_the_golden_files(
    built: Built, scenario: str, tmp_path: Path
) -> None:
    form = ReportForm(format=Format.CSV_EXCEL, headers=Headers.ID, additions=tuple(ADDITIONS))
    golden_files = sorted((GOLDEN / "additions" / scenario).iterdir())
    files = api.export(
        built(SCENARIOS[scenario]), all_courses=True, form=form, output_dir=tmp_path
    ).files
    written = {golden_name(batch): Path(file.file) for file in files for batch in file.batches}
    for expected in golden_files:
        assert written[expected.name].read_bytes() == as_csv_for_excel(lines(expected))


@pytest.mark.parametrize("by", [*SplitBy])
@pytest.mark.parametrize("batch", [BATCH, WITH_LEFT_OUT, EMPTY])
def test_the_files_of_a_split_add_up(
    sample: Settings, tmp_path: Path, by: SplitBy, batch: str
) -> None:
    files = exported(sample, tmp_path, ReportForm(split_by=by), batch)

    header, *rows = lines(golden(batch))
    split = [row for file in files for row in lines(Path(file.file))[1:]]
    assert sorted(split) == sorted(rows)
    assert all(lines(Path(file.file))[0] == header for file in files)
    for file in files:
        content = receipt(file)
        assert content["rows"] + content["left_out"]["in other files"] == len(rows)
        assert content["enrolments"] == content["rows"] + sum(content["left_out"].values())
        assert api.verify(file.file).is_unchanged


def test_each_file_of_a_split_has_the_learners_of_one_place(
    sample: Settings, tmp_path: Path
) -> None:
    files = exported(sample, tmp_path, ReportForm(split_by=SplitBy.BLOCK))

    places: list[str] = []
    for file in files:
        header, *rows = lines(Path(file.file))
        columns = [header.index(label) for label in ("State", "District", "Block Name")]
        found = {tuple(row[column] for column in columns) for row in rows}
        blocks = {block for *_, block in found}
        assert len(blocks) == 1
        if blocks != {""}:
            assert len(found) == 1
            assert file.split == dict(zip(("State", "District", "Block Name"), *found, strict=True))
        else:
            assert set((file.split or {}).values()) == {None}
            assert Path(file.file).name.endswith("_no-block.csv")
        places.append(*blocks)
    assert len(set(places)) == len(places)


def test_the_index_of_a_split_lists_its_files(sample: Settings, tmp_path: Path) -> None:
    files = exported(sample, tmp_path, ReportForm(split_by=SplitBy.DISTRICT))

    (index,) = {file.index for file in files}
    header, *rows = lines(Path(index or ""))
    assert header == ["File", "State", "District", "Rows", "SHA-256", "Receipt"]
    assert [[row[0], row[3], row[4]] for row in rows] == [
        [Path(file.file).name, str(file.rows), file.sha256] for file in files
    ]
    assert all((tmp_path / row[5]).is_file() for row in rows)


def test_columns_are_chosen_added_and_named(sample: Settings, tmp_path: Path) -> None:
    form = ReportForm(
        format=Format.CSV,
        headers=Headers.NAME,
        columns=("user uuid", "do_31300000000000000120", "progress"),
        additions=("Status", "attempts"),
    )
    (file,) = exported(sample, tmp_path, form)

    header, *rows = lines(Path(file.file))
    assert header[:4] == ["User UUID", "Assessment 4: Final assessment", "Progress", "Status"]
    assert [name.endswith(" - Attempts") for name in header[4:]] == [True] * 4
    of_golden = lines(golden(BATCH))
    wanted = [
        of_golden[0].index(label)
        for label in ("User UUID", "do_31300000000000000120 - Score", "Progress")
    ]
    expected = [[row[column] for column in wanted] for row in of_golden[1:]]
    assert [row[:3] for row in rows] == expected
    assert api.verify(file.file).is_unchanged


def test_unknown_columns_are_refused_by_name(sample: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no column `Phone`"):
        exported(sample, tmp_path, ReportForm(columns=("Phone",)))
    with pytest.raises(UsageError, match="No column to add is called `Phone`"):
        exported(sample, tmp_path, ReportForm(additions=("Phone",)))
    assert list(tmp_path.iterdir()) == []


def earlier(folder: Path, changed: Iterator[tuple[int, str, str]]) -> Path:
    """Writes an earlier report without its second row, and with other changes of rows."""
    rows = golden(BATCH).read_text("utf-8").splitlines(keepends=True)
    for number, old, new in changed:
        assert old in rows[number]
        rows[number] = rows[number].replace(old, new)
    del rows[2]
    file = folder / "earlier.csv"
    file.write_text("".join(rows), "utf-8")
    return file


@pytest.mark.parametrize("format", [Format.CSV, Format.XLSX])
def test_only_what_is_new_or_changed_since_a_file(
    sample: Settings, tmp_path: Path, format: Format
) -> None:
    old = earlier(tmp_path, iter([(1, ",90%,", ",80%,")]))

    (file,) = exported(sample, tmp_path, ReportForm(format=format, since=str(old)))

    _, *rows = lines(golden(BATCH))
    assert (file.rows, file.left_out["unchanged"]) == (2, len(rows) - 2)
    path = Path(file.file)
    learners = (
        [row[4] for row in lines(path)[1:]]
        if format is Format.CSV
        else [row[4] for row in load_workbook(path)["Report"].iter_rows(2, values_only=True)]
    )
    assert learners == [rows[0][4], rows[1][4]]
    assert api.verify(path).is_unchanged


@pytest.mark.parametrize("format", [*Format])
def test_nothing_is_new_since_a_file_of_any_format(
    sample: Settings, tmp_path: Path, format: Format
) -> None:
    (old,) = exported(sample, tmp_path / "old", ReportForm(format=format))
    form = ReportForm(since=old.file, additions=("status",))

    (file,) = exported(sample, tmp_path, form)

    assert (file.rows, file.left_out["unchanged"]) == (0, old.rows)


def test_a_damaged_earlier_file_is_refused(sample: Settings, tmp_path: Path) -> None:
    old = earlier(tmp_path, iter([(1, "0130300000000000101", "1.303E+17")]))
    with pytest.raises(DataError, match="was changed, so what is new since then is not known"):
        exported(sample, tmp_path, ReportForm(since=str(old)))


def test_an_earlier_report_that_does_not_exist_is_not_found(
    sample: Settings, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match=r"There is no file 778A\w+, and no request of this ID"):
        exported(sample, tmp_path, ReportForm(since="778A3669531143769B5E8C98D42E1CAD"))


@pytest.mark.parametrize("format", [*Format])
def test_a_password_opens_the_file_and_no_other_does(
    sample: Settings, tmp_path: Path, format: Format
) -> None:
    (plain,) = exported(sample, tmp_path / "plain", ReportForm(format=format))
    (file,) = exported(sample, tmp_path, ReportForm(format=format), password=PASSWORD)

    assert Path(file.file).name.endswith(".xlsx" if format is Format.XLSX else ".csv.zip")
    assert receipt(file)["protected"] is True
    twin = hashlib.sha256(golden(BATCH).read_bytes()).hexdigest()
    assert receipt(file)["twin_sha256"] == twin
    assert api.verify(file.file, password=PASSWORD).is_unchanged
    assert api.diff(file.file, plain.file, old_password=PASSWORD).total == 0
    with pytest.raises(WrongPassword):
        api.diff(file.file, plain.file, old_password="wrong password")
    left = {path.name for path in tmp_path.iterdir() if path.name.startswith(".")}
    assert left == set()


def test_a_split_has_one_password_for_all(sample: Settings, tmp_path: Path) -> None:
    form = ReportForm(format=Format.XLSX, split_by=SplitBy.DISTRICT)
    files = exported(sample, tmp_path, form, password=PASSWORD)
    assert len(files) == 5
    for file in files:
        assert Path(file.file).read_bytes().startswith(bytes.fromhex("d0cf11e0"))
        assert api.verify(file.file, password=PASSWORD).is_unchanged
