"""The alternative names under which tables and columns may arrive."""

import json
from collections.abc import Callable, Mapping
from random import Random

from writers import Table, Tables, Value

from fuzz import odd

OTHER_NAMES = {
    "assessment_aggregator": {"course_id": "collection_id", "batch_id": "context_id"},
    "user": {"userid": "id"},
}
"""Columns that are filled from another column where they are empty."""

Naming = Callable[[Random, Tables, Tables], str]
"""Gives the first tables alternative names, in place, and returns what it did.

Changes the second tables, which keep the usual names, where the alternative name carries less.
"""


def columns(random: Random, tables: Tables, usual_tables: Tables) -> str:
    """Moves all or half of the values of a column to its alternative name."""
    name = random.choice(list(OTHER_NAMES))
    table = tables.get(name)
    names = {old: new for old, new in OTHER_NAMES[name].items() if table and old in table.types}
    if not table or not names or {*names.values()} & {*table.types}:
        return f"nothing: {name} does not have the usual columns"
    share = random.choice((0.5, 1.0))
    rows = [list(row) for row in table.rows]
    types = dict(table.types)
    for old, new in names.items():
        index = table.columns.index(old)
        types[new] = types[old]
        for row in rows:
            is_moved = bool(row[index]) and random.random() < share
            # Only the two user IDs are compared if both columns have a value.
            kept = row[index] if name == "user" else random.choice((None, odd.text(random)))
            row.append(row[index] if is_moved else kept if row[index] else None)
            row[index] = None if is_moved else row[index]
    tables[name] = Table(name, types, rows)
    if share == 1.0:
        tables[name] = _without(tables[name], set(names))
    return f"{', '.join(names.values())} in {name}, {share:.0%}"


def user_type(random: Random, tables: Tables, usual_tables: Tables) -> str:
    """Moves the first object of the list in profileusertypes to profileusertype."""
    user = usual_tables.get("user")
    if not user or "profileusertypes" not in user.types or "profileusertype" in user.types:
        return "nothing: user does not have the usual columns"
    index = user.columns.index("profileusertypes")
    firsts = [_first(row[index]) for row in user.rows]
    for row, first in zip(user.rows, firsts, strict=True):
        row[index] = first and json.dumps([first])
    written = _without(tables["user"], {"profileusertypes"})
    tables["user"] = Table(
        "user",
        {**written.types, "profileusertype": "text"},
        [
            [*row, first and json.dumps(first)]
            for row, first in zip(written.rows, firsts, strict=True)
        ],
    )
    return "profileusertype in user"


def _first(value: Value) -> Mapping[str, object] | None:
    try:
        entries = json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return None
    first = entries[0] if isinstance(entries, list) and entries else None
    return first if isinstance(first, dict) and first else None


def enrolments(random: Random, tables: Tables, usual_tables: Tables) -> str:
    """Renames user_enrolments to report_user_enrolments."""
    if "user_enrolments" not in tables:
        return "nothing: no enrolments"
    table = tables.pop("user_enrolments")
    tables["report_user_enrolments"] = Table("report_user_enrolments", table.types, table.rows)
    return "report_user_enrolments"


def _without(table: Table, names: set[str]) -> Table:
    indexes = [index for index, name in enumerate(table.columns) if name not in names]
    return Table(
        table.name,
        {name: kind for name, kind in table.types.items() if name not in names},
        [[row[index] for index in indexes] for row in table.rows],
    )


NAMINGS: tuple[Naming, ...] = (columns, user_type, enrolments)
