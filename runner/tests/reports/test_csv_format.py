import pytest

from exhaust.reports.formats.csv import csv_line


@pytest.mark.parametrize(
    ("text", "field"),
    [("a b#;'", "a b#;'"), ("a,b", '"a,b"'), ('"', '""""'), ("a\nb", '"a\nb"'), ("\r", '"\r"')],
)
def test_a_field_is_quoted_only_if_necessary(text: str, field: str) -> None:
    assert csv_line(["x", text]) == f"x,{field}\n".encode()
