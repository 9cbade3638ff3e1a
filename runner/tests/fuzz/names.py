"""The other names under which tables and columns may arrive."""

import json
from collections.abc import Callable, Mapping
from random import Random

from writers import Table, Tables, Value

from fuzz import odd

ALSO = {
    "assessment_aggregator": {"course_id": "collection_id", "batch_id": "context_id"},
    "user": {"userid": "id"},
}
"""Columns that are taken from another where they have no value."""

Naming = Callable[[Random, Tables, Tables], str]
"""Gives the first tables, in place, other names; changes the second, which say the same by the
usual names, where the other name says less. Tells what it did."""


def columns(random: Random, tables: Tables, usual: Tables) -> str:
    """Moves values of a column to its other name: all of them, or some."""
    name = random.choice(list(ALSO))
    table = tables.get(name)
    names = {old: new for old, new in ALSO[name].items() if table and old in table.types}
    if not table or not names or {*names.values()} & {*table.types}:
        return f"nothing: {name} has not the usual columns"
    share = random.choice((0.5, 1.0))
    rows = [list(row) for row in table.rows]
    types = dict(table.types)
    for old, new in names.items():
        at = table.columns.index(old)
        types[new] = types[old]
        for row in rows:
            is_moved = bool(row[at]) and random.random() < share
            # Where both have a value they are not compared, but a user's are the same.
            kept = row[at] if name == "user" else random.choice((None, odd.text(random)))
            row.append(row[at] if is_moved else kept if row[at] else None)
            row[at] = None if is_moved else row[at]
    tables[name] = Table(name, types, rows)
    if share == 1.0:
        tables[name] = _without(tables[name], set(names))
    return f"{', '.join(names.values())} in {name}, {share:.0%}"


def user_type(random: Random, tables: Tables, usual: Tables) -> str:
    """Has one object in profileusertype where profileusertypes would hold it in a list."""
    user = usual.get("user")
    if not user or "profileusertypes" not in user.types or "profileusertype" in user.types:
        return "nothing: user has not the usual columns"
    at = user.columns.index("profileusertypes")
    firsts = [_first(row[at]) for row in user.rows]
    for row, first in zip(user.rows, firsts, strict=True):
        row[at] = first and json.dumps([first])
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


def enrolments(random: Random, tables: Tables, usual: Tables) -> str:
    """Has the enrolments in report_user_enrolments."""
    if "user_enrolments" not in tables:
        return "nothing: no enrolments"
    table = tables.pop("user_enrolments")
    tables["report_user_enrolments"] = Table("report_user_enrolments", table.types, table.rows)
    return "report_user_enrolments"


def _without(table: Table, names: set[str]) -> Table:
    places = [place for place, name in enumerate(table.columns) if name not in names]
    return Table(
        table.name,
        {name: kind for name, kind in table.types.items() if name not in names},
        [[row[place] for place in places] for row in table.rows],
    )


NAMINGS: tuple[Naming, ...] = (columns, user_type, enrolments)
