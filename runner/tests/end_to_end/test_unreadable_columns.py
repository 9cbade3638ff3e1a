"""A column that is mostly unreadable fails a build, because its format is unknown."""

import csv

import pytest
from support import EXTRACTS, NO_MESSAGES, PROJECT, Built, NewSettings, load_extract, raw_tables

from exhaust.pipeline.build import BuildReport, build
from exhaust.warehouse import connect

UNREAD = {
    "json": '"{\\"do_1\\":2}"',
    "timestamp": "12-14-2020 05:41:50:382+0000",
    "number": "1,5",
    "boolean": "yes\n",
}
"""A text per kind that cannot be read: JSON encoded twice, a date with the month first, ..."""

COLUMNS = [
    (kind, f"{table}.{column}")
    for table, raw in raw_tables().items()
    for kind in UNREAD
    for column in raw.get(kind, [])
]


@pytest.fixture(scope="module")
def unread(new_settings: NewSettings, tmp_path_factory: pytest.TempPathFactory) -> BuildReport:
    """Builds a sample in which all values of these columns are unreadable."""
    folder = tmp_path_factory.mktemp("extract")
    for table, raw in raw_tables().items():
        with (PROJECT / "seeds" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for kind, text in UNREAD.items():
            rows = [row | dict.fromkeys(raw.get(kind, []), text) for row in rows]
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    settings = new_settings("duckdb")
    load_extract(settings, folder)
    report = build(settings, [], console=NO_MESSAGES)
    with connect(settings.profile, writing=False, console=NO_MESSAGES) as warehouse:
        assert "course_progress" not in warehouse.tables(settings.profile.schema)
        builds = warehouse.relation(settings.profile.schema, "builds")
        assert warehouse.query(f"select status from {builds}") == [("failed",)]
    return report


@pytest.mark.parametrize(("kind", "column"), COLUMNS)
def test_an_unreadable_column_fails_the_build(unread: BuildReport, kind: str, column: str) -> None:
    test = "unreadable_json" if kind == "json" else f"unreadable_{kind}s"
    [failure] = [one for one in unread.failed if one.name == test]
    [named] = [name for name in failure.named if name.startswith(f"{column}: ")]
    share, _, example = named.removeprefix(f"{column}: ").partition(
        " values cannot be read, for example "
    )
    unreadable, _, values = share.partition(" of ")
    assert unreadable == values
    assert example == f"`{UNREAD[kind]}`"


def test_a_partly_readable_column_does_not_fail_the_build(built: Built) -> None:
    """`broken` has unreadable values in most columns."""
    built(EXTRACTS / "broken")
