"""A case: an extract that a seed and a number make, always the same."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from writers import FORMS, Form, Table, Tables, extract_files
from writers.cqlsh import carried_double
from writers.tables import JSON_TEXTS, texts

from fuzz import damage, values
from fuzz.values import cells, copied

READY = {
    ("dsbulk", "files"),
    ("dsbulk", "parts"),
    ("dsbulk-gz", "files"),
    ("dsbulk-gz", "parts"),
    ("rfc4180", "files"),
    ("rfc4180-gz", "parts"),
    ("json-lines", "files"),
    ("json-lines", "parts"),
    ("json-lines-gz", "files"),
    ("parquet", "files"),
    ("parquet", "parts"),
}
"""Forms and packings that load."""

WITHOUT_EMPTY_TEXTS = ("cqlsh", "cqlsh-before-3.10", "backup")
"""Forms that write null and an empty text alike."""

CQLSH = ("cqlsh", "cqlsh-before-3.10")


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
    """What is in it, if nothing was damaged."""
    baseline: Tables | None = field(repr=False)
    """Tables whose reports it must give when dsbulk writes them; None if it need not."""

    def __str__(self) -> str:
        return f"case {self.number} ({self.form}, {self.packing}): {'; '.join(self.steps)}"


def make_case(
    seed: int, number: int, base: Tables, ready: Iterable[tuple[str, str]] = READY
) -> Case:
    """The case of a seed and a number: tables changed, or files damaged, or both."""
    random = Random(f"{seed}/{number}")
    form, packing = random.choice(sorted(ready))
    tables = copied(base.values())
    way = random.random()
    steps = values.mutate(random, tables, random.randint(1, 5)) if way < 0.65 else []
    writer, is_whole = FORMS[form], True
    if way >= 0.6 and random.random() < 0.7:
        writer = _damaged(random, writer, tables, steps)
        is_whole = False
    files = extract_files(tables, writer, packing)
    if not is_whole or way >= 0.6:
        for _ in range(random.randint(0 if not is_whole else 1, 2)):
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
        tables if is_whole else None,
        baseline(tables, base, form) if is_whole else None,
    )


def _damaged(random: Random, form: Form, tables: Tables, steps: list[str]) -> Form:
    """A form that damages the files of one table, before they are packed."""
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
    """What dsbulk would have to write for the same report; None if a form cannot carry it."""
    if form in WITHOUT_EMPTY_TEXTS:
        known = {value for *_, value in cells(base) if isinstance(value, str)}
        for name, column, kind, value in cells(tables):
            if "<" in kind and isinstance(value, str) and value not in known:
                return None  # No tool writes JSON there.
            if form in CQLSH and not _is_carried(name, column, kind, value):
                return None
    return {name: _carried(table, form) for name, table in tables.items()}


def _is_carried(table: str, column: str, kind: str, value: object) -> bool:
    """Whether cqlsh writes a value so that it can be read back for certain, in both flavours."""
    if isinstance(value, datetime):
        return True
    for text in texts(value):
        if column in JSON_TEXTS.get(table, ()):
            # What is no JSON after one level of escapes is read after two: a quote makes it so.
            if "\\" in text.replace('\\"', "") or any(_is_control(letter) for letter in text):
                return False
        elif "\\" in text or "\u00a0" in text or any(_is_control(letter) for letter in text):
            return False
    return True


def _is_control(letter: str) -> bool:
    return letter < " " or "\x7f" <= letter < "\u00a0"


def _carried(table: Table, form: str) -> Table:
    if form not in WITHOUT_EMPTY_TEXTS:
        return table
    rows = [
        [
            None
            if value in ("", {}, [])
            else carried_double(value)
            if form in CQLSH and isinstance(value, float)
            else value
            for value in row
        ]
        for row in table.rows
    ]
    return Table(table.name, table.types, rows)
