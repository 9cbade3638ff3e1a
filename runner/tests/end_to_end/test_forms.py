"""Extracts in every supported format land the same values and give the same reports."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import GOLDEN, PROJECT, Built, export_all
from writers import FORMS, PACKINGS, Table, Tables, sample, write_extract

from exhaust.extract.folder import read_extract
from exhaust.extract.landing import LandedFile
from exhaust.project.sources import read_sources

SOURCES = read_sources(PROJECT)
SAMPLE_REPORTS = GOLDEN / "sample"
DAY = date(2026, 11, 25)
UNDER_TEST = ("cqlsh", "cqlsh-before-3.10", "backup")

TRICKY = [
    "Teacher's",
    "it's 'quoted' and \"quoted\"",
    "''",
    "'",
    '"',
    "\\",
    "\\\\",
    "c:\\new\\table",
    'a\\"b',
    "{'a': 1}",
    "(a), (b",
    "['x', \"y\"]",
    "a, b",
    "a: b",
    "line\nbreak\ttab\rreturn",
    "no\u00a0break",
    "\x07\x1b\x7f\x85",
    "ज़\u200dक \u200cतमिऴ தமிழ் 😀",
    "None True null",
    "\u2028",
]
"""Texts with characters that the notations escape or use as syntax."""


def landed(folder: Path, *, nulls: set[str] | None = None) -> dict[str, list[Any]]:
    """Returns the listed columns of each table, with JSON parsed. Texts in `nulls` become None."""
    found = {}
    for table in read_extract(folder, SOURCES).tables:
        rows: list[tuple[Any, ...]] = []
        for file in table.files:
            rows += [_row(file, row, nulls or set()) for row in _texts(file)]
        found[table.source.name] = sorted(rows, key=repr)
    return found


def _texts(file: LandedFile) -> list[dict[str, str | None]]:
    with duckdb.connect() as connection:
        rows = connection.execute(file.reader).fetchall()
    return [dict(zip(file.columns, row, strict=True)) for row in rows]


def _row(file: LandedFile, row: dict[str, str | None], nulls: set[str]) -> tuple[Any, ...]:
    return tuple(
        _value(row.get(name), name in file.source.json, nulls) for name in file.source.columns
    )


def _value(text: str | None, is_json: bool, nulls: set[str]) -> Any:
    if text is None or text in nulls:
        return None
    try:
        return json.loads(text) if is_json else text
    except ValueError:
        return text


@pytest.fixture(scope="module")
def tables() -> Tables:
    return sample(PROJECT / "seeds")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packing", PACKINGS)
def test_every_format_and_packing_lands_all_rows(
    tables: Tables, tmp_path: Path, form: str, packing: str
) -> None:
    write_extract(tmp_path, tables, form, packing)

    found = landed(tmp_path)

    assert {name: len(rows) for name, rows in found.items()} == {
        name: len(table.rows) for name, table in tables.items()
    }


@pytest.mark.parametrize("form", UNDER_TEST)
@pytest.mark.parametrize("tricky", TRICKY)
def test_collections_and_texts_land_as_from_dsbulk(tmp_path: Path, form: str, tricky: str) -> None:
    """The course is there because escapes in its JSON reveal which Python ran cqlsh."""
    tables = {
        "user": Table(
            "user",
            {
                "userid": "text",
                "rootorgid": "text",
                "framework": "map<text, frozen<list<text>>>",
                "profilelocation": "text",
            },
            [
                [
                    "u1",
                    tricky,
                    {"board": [tricky, "b"], tricky: ["x"]},
                    json.dumps([{"id": tricky}]),
                ],
                ["u2", "plain", {"board": ["b"]}, json.dumps([{"id": tricky}], ensure_ascii=False)],
                ["u3", None, None, None],
            ],
        ),
        "user_enrolments": Table(
            "user_enrolments",
            {
                "userid": "text",
                "courseid": "text",
                "batchid": "text",
                "active": "boolean",
                "contentstatus": "map<text, int>",
                "issued_certificates": "list<frozen<map<text, text>>>",
            },
            [
                ["u1", "c", "b", True, {"do_1": 2, tricky: 1}, [{"name": tricky, "id": ""}]],
                ["u2", "c", "b", False, {"do_1": 2}, [{"name": "x"}, {"name": tricky}]],
                ["u3", "c", "b", None, None, None],
            ],
        ),
        "content_hierarchy": Table(
            "content_hierarchy",
            {"identifier": "text", "hierarchy": "text"},
            [["c", json.dumps({"name": 'say "hi" \\ \u0928', "children": [{"name": tricky}]})]],
        ),
    }
    expected = landed(write_extract(tmp_path / "dsbulk", tables, "dsbulk"), nulls={"{}", "[]"})

    found = landed(write_extract(tmp_path / "other", tables, form))

    assert _normalise_booleans(found) == expected


def _normalise_booleans(found: dict[str, list[Any]]) -> dict[str, list[Any]]:
    digits = {"True": "1", "False": "0"}
    return {
        name: [tuple(digits.get(v, v) if isinstance(v, str) else v for v in row) for row in rows]
        for name, rows in found.items()
    }


@pytest.mark.parametrize("form", UNDER_TEST)
def test_reports_equal_the_golden_files(
    built: Built, engine: str, tables: Tables, tmp_path_factory: pytest.TempPathFactory, form: str
) -> None:
    extract = tmp_path_factory.mktemp("extract")
    settings = built(write_extract(extract, tables, form, "keyspaces"))

    export_all(settings, out := tmp_path_factory.mktemp("out"), DAY)

    made = {
        path.name.removesuffix(f"_progress_{DAY:%Y%m%d}.csv"): path.read_bytes()
        for path in out.glob("*.csv")
    }
    assert made == {path.stem: path.read_bytes() for path in SAMPLE_REPORTS.glob("*.csv")}
