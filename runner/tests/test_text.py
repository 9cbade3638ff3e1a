from datetime import date

import pytest

from exhaust.text import counted, ordinal, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (None, ""),
        (date(2026, 1, 2), "2026-01-02"),
        ("a\x1b[2J\x07\r\n\t", r"a\x1b[2J\x07\r\n\t"),
        ("\x9b\u2028\u202e\u2066", r"\x9b\u2028\u202e\u2066"),
        ("\udcff", r"\udcff"),
        ("क्‍ष — [red]", "क्‍ष — [red]"),
    ],
)
def test_visible(text: object, shown: str) -> None:
    assert visible(text) == shown


def test_counted() -> None:
    assert [counted(1, "row"), counted(1234, "row")] == ["1 row", "1,234 rows"]
    assert counted(0, "batch", "batches") == "0 batches"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (21, "21st"),
        (111, "111th"),
        (1002, "1,002nd"),
    ],
)
def test_ordinal(number: int, shown: str) -> None:
    assert ordinal(number) == shown
