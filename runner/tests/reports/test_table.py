"""The embedded DuckDB that the rows of a report go through."""

from pathlib import Path

import pytest

from exhaust.reports.table import embedded_duckdb, load_csv
from exhaust.warehouse.pipe import copy_through_pipe

pytestmark = pytest.mark.not_on_spark


@pytest.mark.parametrize(
    "content",
    ['a,,""\n', 'a,"b\nc","d,""e"""\n,,\n', "தமிழ், x ,#\n", ",,\n"],
)
def test_csv_comes_back_as_it_was(tmp_path: Path, content: str) -> None:
    file = tmp_path / "a [1]*.csv"
    file.write_bytes(content.encode())
    written = bytearray()
    with embedded_duckdb(tmp_path) as duck:
        load_csv(duck, "rows", file, ["c1", "c2", "c3"])
        copy_through_pipe(duck, "select * from rows", written.extend)
    assert written == content.encode()


def test_a_report_may_have_thousands_of_columns(tmp_path: Path) -> None:
    file = tmp_path / "wide.csv"
    line = ",".join(f"{number % 101}%" for number in range(3_000))
    file.write_text(f"{line}\n" * 2_000)
    with embedded_duckdb(tmp_path) as duck:
        assert load_csv(duck, "rows", file, [f"c{number}" for number in range(3_000)]) == 2_000
