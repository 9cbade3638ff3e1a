"""Splits the rows of a report into files by district, block or school."""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exhaust.reports.form import SplitBy
from exhaust.reports.table import ReportColumn

if TYPE_CHECKING:
    import duckdb

KEYS: Mapping[SplitBy, tuple[str, ...]] = {
    SplitBy.DISTRICT: ("state", "district"),
    SplitBy.BLOCK: ("state", "district", "block"),
    SplitBy.SCHOOL: ("school_id", "school_name"),
}
"""The columns that tell the files apart, by ID. Two States may have districts of one name."""
MAX_NAME = 80
"""Characters of a place or school in the name of a file."""


@dataclass(frozen=True)
class Part:
    """The rows of one file of a split."""

    number: int
    """In the column `part` of the table."""
    values: Mapping[str, str | None]
    """What its learners have in common, by label; all are None for those without one."""
    name: str
    """What the file's name says; no two parts have one in any case."""
    rows: int


def split(
    duck: "duckdb.DuckDBPyConnection",
    source: str,
    target: str,
    by: SplitBy,
    columns: Sequence[ReportColumn],
) -> list[Part]:
    """Creates the table `target` from `source`, with a column `part`, and returns the parts.

    The rows keep their order. Learners without a district, block or school have a part of their
    own, which is the last.
    """
    keys = split_columns(columns, by)
    texts = [f"nullif({key.name}, '')" for key in keys]
    if by is SplitBy.SCHOOL:
        # Learners of one school write its name in different ways.
        groups = [texts[0], f"case when {texts[0]} is null then {texts[1]} end"]
    else:
        groups = [f"case when {texts[-1]} is not null then {text} end" for text in texts]
    key = ", ".join(f"{group} nulls last" for group in groups)
    duck.execute(
        f"create table {target} as select * exclude (position) from ("
        f"select *, rowid as position, dense_rank() over (order by {key}) as part from {source}"
        ") order by part, position"
    )
    shown = texts if by is SplitBy.SCHOOL else groups
    found = duck.execute(
        f"select part, {', '.join(f'min({text})' for text in shown)}, count(*) "
        f"from {target} group by part order by part"
    ).fetchall()
    if not found:  # A report without rows is one file with the header alone.
        return [Part(1, dict.fromkeys(one.label for one in keys), f"no-{by}", 0)]
    values = [dict(zip([one.label for one in keys], row[1:-1], strict=True)) for row in found]
    names = _names([list(one.values()) for one in values], by)
    return [
        Part(row[0], value, name, row[-1])
        for row, value, name in zip(found, values, names, strict=True)
    ]


def split_columns(columns: Sequence[ReportColumn], by: SplitBy) -> list[ReportColumn]:
    """Returns the columns whose values the parts have in common."""
    of_id = {column.id: column for column in columns}
    return [of_id[column_id] for column_id in KEYS[by]]


def _names(values: Sequence[Sequence[str | None]], by: SplitBy) -> list[str]:
    """Returns the names of parts: their own, after those of the places that they are in if
    several have it."""
    own = [_safe(_own(one, by), by) for one in values]
    uses = Counter(name.casefold() for name in own)
    full = [
        name if uses[name.casefold()] == 1 else _safe("-".join(text for text in one if text), by)
        for name, one in zip(own, values, strict=True)
    ]
    taken: Counter[str] = Counter()
    names = []
    for name in full:
        taken[name.casefold()] += 1
        while taken[name.casefold()] > 1:
            name = f"{name}-{taken[name.casefold()]}"
            taken[name.casefold()] += 1
        names.append(name)
    return names


def _own(values: Sequence[str | None], by: SplitBy) -> str:
    """Returns what tells a part apart: both ID and name for a school."""
    shown = values if by is SplitBy.SCHOOL else values[-1:]
    return "-".join(text for text in shown if text)


def _safe(text: str, by: SplitBy) -> str:
    """Returns a text as a part of a file's name: letters and digits of any script, and hyphens."""
    plain = unicodedata.normalize("NFC", text)
    kept = (one if unicodedata.category(one)[0] in "LMN" else " " for one in plain)
    return "-".join("".join(kept).split())[:MAX_NAME].strip("-") or f"no-{by}"
