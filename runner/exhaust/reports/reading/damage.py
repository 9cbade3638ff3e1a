"""Finds what spreadsheet programs have done to the values of a table: the engine looks."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from exhaust.project.sql import literal
from exhaust.reports.reading.ids import KnownIds
from exhaust.reports.reading.problem import Problem
from exhaust.reports.reading.value_changes import (
    FORMS,
    MISREAD,
    is_misread,
    original_text,
    perhaps_misread,
    wrong_values,
)
from exhaust.reports.table import ReportColumn, load_csv

if TYPE_CHECKING:
    import duckdb

CHUNK = 10_000


@dataclass(frozen=True)
class Damage:
    """What is wrong with the values of a table."""

    what: Mapping[str, str]
    """SQL, by the name of a column: what is wrong with its value, or null."""
    texts: Sequence[str]
    """The columns that may have misread texts."""
    misread: str
    """A table of the texts that were misread, `value`, and what they were, `original`."""

    def repaired(self, value: str) -> str:
        """Returns, as SQL, a text of a table as it was before it was misread."""
        found = f"select original from {self.misread} as misread where misread.value = {value}"
        return f"coalesce(({found}), {value})"


def find_damage(
    duck: "duckdb.DuckDBPyConnection",
    relation: str,
    columns: Sequence[ReportColumn],
    known: Mapping[str, KnownIds],
    scratch: Path,
    *,
    is_unicode: bool,
) -> Damage:
    """Finds what is wrong with the values of a table.

    Only text that was read as Unicode can have been misread before.
    """
    texts = [column.name for column in columns if column.kind not in FORMS and is_unicode]
    misread = f"{relation}_misread"
    _find_misread(duck, relation, misread, texts, scratch)

    def what(column: ReportColumn) -> str:
        name = column.name
        found = [
            f"when {condition} then {_literal(what)}"
            for what, condition in ([] if name in known else wrong_values(column, name))
        ]
        if name in texts:
            found.append(f"when {name} in (select value from {misread}) then {_literal(MISREAD)}")
        cases = f"case {' '.join(found)} end" if found else "cast(null as varchar)"
        return f"coalesce({known[name].what(name)}, {cases})" if name in known else cases

    return Damage({column.name: what(column) for column in columns}, texts, misread)


def find_problems(
    duck: "duckdb.DuckDBPyConnection",
    relation: str,
    columns: Sequence[ReportColumn],
    damage: Damage,
) -> list[Problem]:
    """Returns what is wrong with the values of a table, each kind with its first example."""
    found: dict[str, Problem] = {}
    for column in columns:
        for what, times, row, value in duck.execute(
            "select what, count(*), min(row_number), arg_min(value, row_number) "
            f"from (select row_number, coalesce({column.name}, '') as value, "
            f"{damage.what[column.name]} as what from {relation}) "
            "where what is not null group by what"
        ).fetchall():
            original = original_text(value) if what == MISREAD else None
            new = Problem(what, times, row, column.label, value, original)
            old = found.get(what, new)
            first = min(old, new, key=lambda problem: problem.row)
            found[what] = replace(first, times=times + (old.times if old is not new else 0))
    return list(found.values())


def _find_misread(
    duck: "duckdb.DuckDBPyConnection",
    relation: str,
    table: str,
    texts: Sequence[str],
    scratch: Path,
) -> None:
    """Creates the table of the texts that were misread."""
    staged = scratch / f"{table}.csv"
    with staged.open("w", encoding="utf-8", newline="") as file:
        if texts:
            duck.execute(
                f"select distinct value from (select unnest([{', '.join(texts)}]) as value "
                f"from {relation}) where {perhaps_misread('value')}"
            )
            csv.writer(file, lineterminator="\r\n").writerows(_misread(duck))
    load_csv(duck, table, staged, ["value", "original"])
    staged.unlink()


def _misread(duck: "duckdb.DuckDBPyConnection") -> Iterator[tuple[str, str]]:
    while found := duck.fetchmany(CHUNK):
        for (value,) in found:
            if is_misread(value):
                yield value, original_text(value) or value


def _literal(text: str) -> str:
    return literal(text, "duckdb")
