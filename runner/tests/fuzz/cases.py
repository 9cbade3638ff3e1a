"""A case: an extract that a seed and a number determine."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations as pairs_of
from random import Random

from support import PROJECT
from writers import FORMS, Form, Table, Tables, Value, extract_files
from writers.cqlsh import cqlsh_double
from writers.tables import JSON_TEXTS, texts

from exhaust.project.sources import read_sources
from fuzz import damage, names, values
from fuzz.values import cells, copied

COMBINATIONS = {
    "dsbulk": ("files", "parts", "keyspaces"),
    "dsbulk-gz": ("files", "parts"),
    "dsbulk-json": ("files", "parts", "keyspaces"),
    "dsbulk-json-gz": ("files", "parts"),
    "json-array": ("files", "parts"),
    "json-lines": ("files", "parts"),
    "json-lines-gz": ("files", "parts"),
    "rfc4180": ("files", "parts", "archives"),
    "rfc4180-gz": ("files", "parts"),
    "parquet": ("files", "parts", "keyspaces"),
    "cqlsh": ("files", "keyspaces", "archives"),
    "cqlsh-before-3.10": ("files", "keyspaces", "archives"),
    "backup": ("keyspaces", "archives", "backups"),
}
"""The packings in which each form comes."""

ALL_COMBINATIONS = [
    (form, packing) for form, packings in COMBINATIONS.items() for packing in packings
]

WITHOUT_EMPTY_TEXTS = ("cqlsh", "cqlsh-before-3.10", "backup")
"""Forms that write null and empty text the same."""

SPELLED_LIKE_DSBULK = ("dsbulk", "dsbulk-gz", "rfc4180", "rfc4180-gz")
"""Forms that spell every value as dsbulk's CSV does."""

CQLSH = ("cqlsh", "cqlsh-before-3.10")

SOURCES = {source.name: source for source in read_sources(PROJECT)}
LATEST = {"user_enrolments": "datetime", "assessment_aggregator": "updated_on"}
"""The column that says which of several rows with the same key is the latest."""


@dataclass(frozen=True)
class Case:
    """An extract and what must come of it."""

    number: int
    form: str
    packing: str
    steps: list[str]
    """What was done to it, in words."""
    files: dict[str, bytes] = field(repr=False)
    tables: Tables | None = field(repr=False)
    """What it contains, with the usual names, if nothing was damaged."""
    baseline: Tables | None = field(repr=False)
    """Tables whose reports it must match when dsbulk writes them; None if it need not."""
    has_other_names: bool = False
    """Whether some columns or tables have alternative names."""

    def __str__(self) -> str:
        return f"case {self.number} ({self.form}, {self.packing}): {'; '.join(self.steps)}"


def make_case(
    seed: int,
    number: int,
    base: Tables,
    combinations: Sequence[tuple[str, str]] = ALL_COMBINATIONS,
) -> Case:
    """Returns the case of a seed and a number: changed tables, damaged files, or both."""
    random = Random(f"{seed}/{number}")
    form, packing = random.choice(combinations)
    (kind,) = random.choices(("values", "bytes", "both", "files"), (12, 5, 1, 2))
    is_whole = kind in ("values", "files")
    steps: list[str] = []
    tables = copied(base.values())
    if kind in ("values", "both"):
        steps += values.mutate(random, tables, random.randint(1, 5))
    with_usual_names = copied(tables.values())
    has_other_names = random.random() < 0.2
    if has_other_names:
        steps.append(random.choice(names.NAMINGS)(random, tables, with_usual_names))
    writer = FORMS[form] if is_whole else _damaged(random, FORMS[form], tables, steps)
    files = extract_files(tables, writer, packing)
    for _ in range(random.randint(1, 2) if kind == "files" else random.randint(0, 5) // 5):
        step, is_harmless = damage.change_files(random, files)
        is_whole = is_whole and is_harmless
        steps.append(step)
    if not is_whole and random.random() < 0.2:
        name = random.choice(list(files))
        files[name], step = damage.change_content(random, files[name])
        steps.append(f"{name}: {step}")
    return Case(
        number,
        form,
        packing,
        steps,
        files,
        with_usual_names if is_whole else None,
        baseline(with_usual_names, base, form) if is_whole else None,
        has_other_names,
    )


def _damaged(random: Random, form: Form, tables: Tables, steps: list[str]) -> Form:
    """Returns a form that damages the files of one table before they are packed."""
    victim = values.some_table(random, tables).name
    times = random.choice((1, 1, 1, 2, 5))

    def write(table: Table) -> bytes:
        content = form.write(table)
        if table.name == victim:
            for _ in range(times):
                content, step = damage.change_content(random, content)
                steps.append(f"{victim}: {step}")
        return content

    return Form(write, form.ending)


def baseline(tables: Tables, base: Tables, form: str) -> Tables | None:
    """Returns what dsbulk must write to give the same report; None if the form cannot carry it."""
    if form not in SPELLED_LIKE_DSBULK and any(
        has_ambiguous_ties(table) for table in tables.values()
    ):
        return None
    if form in WITHOUT_EMPTY_TEXTS:
        known = {value for *_, value in cells(base) if isinstance(value, str)}
        for name, column, kind, value in cells(tables):
            if "<" in kind and isinstance(value, str) and value not in known:
                return None  # No tool writes JSON there.
            if form in CQLSH and not _survives_cqlsh(name, column, kind, value):
                return None
    return {name: _as_carried(table, form) for name, table in tables.items()}


def has_ambiguous_ties(table: Table) -> bool:
    """Whether only the spelling of values decides between rows with the same key.

    Of such rows the bytewise greatest wins, and forms spell values differently: `1` and `true`.
    """
    source = SOURCES.get(table.name)
    columns = [name.lower() for name in table.columns]
    if not source or not set(source.key) <= set(columns):
        return False
    kept = [columns.index(name) for name in source.columns if name in columns]
    groups: dict[tuple[Value, ...], list[list[Value]]] = {}
    for row in table.rows:
        key = tuple(row[columns.index(name)] for name in source.key)
        groups.setdefault(key, []).append(row)
    return any(
        not _is_spelled_alike(one[index], other[index])
        for rows in groups.values()
        if not _has_latest(rows, columns, LATEST.get(table.name))
        for one, other in pairs_of(rows, 2)
        for index in kept
    )


def _has_latest(rows: list[list[Value]], columns: list[str], latest: str | None) -> bool:
    if latest not in columns:
        return False
    times = [row[columns.index(latest)] for row in rows]
    return all(isinstance(time, datetime) for time in times) and len({*times}) == len(times)


def _is_spelled_alike(one: Value, other: Value) -> bool:
    """Whether every form sorts two values in the same order."""
    if one is None or other is None or one == other:
        return True
    return type(one) is type(other) and not isinstance(one, float | datetime)


def _survives_cqlsh(table: str, column: str, kind: str, value: object) -> bool:
    """Whether a value can be read back with certainty from both flavours of cqlsh."""
    if isinstance(value, datetime):
        return True
    for text in texts(value):
        if column in JSON_TEXTS.get(table, ()):
            # Text that is not JSON after one level of unescaping is unescaped again.
            if "\\" in text.replace('\\"', "") or any(_is_control(character) for character in text):
                return False
        elif "\\" in text or "\u00a0" in text or any(_is_control(character) for character in text):
            return False
    return True


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character < "\u00a0"


def _as_carried(table: Table, form: str) -> Table:
    if form not in WITHOUT_EMPTY_TEXTS:
        return table
    rows = [
        [
            None
            if value in ("", {}, [])
            else cqlsh_double(value)
            if form in CQLSH and isinstance(value, float)
            else value
            for value in row
        ]
        for row in table.rows
    ]
    return Table(table.name, table.types, rows)
