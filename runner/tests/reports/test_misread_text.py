"""`verify` on files whose UTF-8 was read in another encoding and saved again."""

from pathlib import Path

import pytest
from verify_support import BATCHES, report, write_report

from exhaust.reports.reading.value_changes import is_misread, original_text
from exhaust.reports.verify import verify

pytestmark = pytest.mark.not_on_spark

TAMIL, HINDI, ACCENTS = "தமிழ்", "गणित", "José"
ROWS = [
    f"do_1,{BATCHES[0]},u1,{TAMIL},01/02/2026,100,47%,0%",
    f"do_1,{BATCHES[0]},u2,{HINDI} {ACCENTS},03/02/2026,0,,",
    f"do_1,{BATCHES[1]},u3,plain,31/12/2025,5,10%,10%",
]
WHAT = "a text that was read as Windows-1252 or Latin-1 instead of UTF-8"


def windows(text: str, lost: str | None = None) -> str:
    """Reads the UTF-8 of a text as Windows-1252; `lost` takes the place of undefined bytes."""
    return "".join(
        bytes([byte]).decode("cp1252", "ignore") or (chr(byte) if lost is None else lost)
        for byte in text.encode()
    )


@pytest.fixture
def indic(file: Path) -> Path:
    write_report(file, ROWS)
    return file


def test_it_is_named_with_the_number_of_values_and_an_example(indic: Path) -> None:
    for misread in (windows(report(ROWS)), report(ROWS).encode().decode("latin-1")):
        indic.write_text(misread, "utf-8")
        text, rest = verify(indic).changes
        assert text.startswith(f"{WHAT}: 2 times, first in row 2, School ID: `à®¤à®®à®¿à®")
        assert text.endswith(f" in place of `{TAMIL}`")
        assert rest == "no other value was changed"


def test_it_is_named_where_other_values_were_changed(indic: Path) -> None:
    indic.write_text(windows(report(ROWS)).replace("47%", "0.47"), "utf-8")
    score, text = sorted(verify(indic).changes)
    assert score.startswith("a score that is not a whole percentage: 1 time")
    assert text.startswith(f"{WHAT}: 2 times")


def test_it_is_named_in_sorted_files(indic: Path) -> None:
    indic.write_text(windows(report(ROWS[::-1])), "utf-8")
    order, text, rest = verify(indic).changes
    assert order == "the rows are in another order"
    assert text.startswith(f"{WHAT}: 2 times, first in row 3")
    assert rest == "no other value was changed"


@pytest.mark.parametrize("lost", ["\ufffd", "?", ""])
def test_it_is_named_where_bytes_were_lost(indic: Path, lost: str) -> None:
    indic.write_text(windows(report(ROWS), lost), "utf-8")
    (text,) = verify(indic).changes
    assert text.startswith(f"{WHAT}: 2 times, first in row 2, School ID: `à®¤")
    assert "in place of" not in text


def test_text_that_arrived_so_is_no_change(file: Path) -> None:
    rows = [windows(row) for row in ROWS]
    write_report(file, rows)
    file.write_text(report(rows, end="\r\n"), "utf-8", newline="")
    assert verify(file).changes[-1] == "no value was changed, only the form of the file"
    file.write_text(report(rows[::-1]), "utf-8")
    assert verify(file).changes == ["the rows are in another order, no value was changed"]


def test_one_damaged_byte_is_not_mistaken_for_it(indic: Path) -> None:
    indic.write_bytes(report(ROWS).encode().replace(b"plain", b"pl\xe9in"))
    assert not any(WHAT in change for change in verify(indic).changes)


@pytest.mark.parametrize("text", ["plain", TAMIL, HINDI, ACCENTS, "Ü-Straße", "naïve “q”", "à la"])
def test_other_text_is_not_mistaken_for_it(text: str) -> None:
    assert (original_text(text), is_misread(text)) == (None, False)
