"""Mutations of tables of values: what the data itself may contain."""

import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from random import Random
from typing import Any

from writers.tables import JSON_TEXTS, Question, Table, Tables, Value

from fuzz import odd

Mutation = Callable[[Random, Tables], str]
"""Changes tables in place and returns what it did."""


def mutate(random: Random, tables: Tables, times: int) -> list[str]:
    """Applies a number of mutations in place and returns what was done."""
    mutations, weights = zip(*MUTATIONS.items(), strict=True)
    return [random.choices(mutations, weights)[0](random, tables) for _ in range(times)]


def odd_value(random: Random, tables: Tables) -> str:
    """Puts unusual values of the column's type into one to three cells."""
    table = some_table(random, tables)
    column = random.choice(table.columns)
    index = table.columns.index(column)
    kind = table.types[column]
    for row in random.sample(table.rows, min(len(table.rows), random.randint(1, 3))):
        row[index] = _odd(random, row[index], kind, column in JSON_TEXTS.get(table.name, ()))
    return f"odd values in {table.name}.{column}"


def _odd(random: Random, value: Value, kind: str, is_json: bool) -> Value:
    if random.random() < 0.1:
        return None
    if is_json:
        return _odd_json(random, value)
    if kind == "text":
        return odd.text(random, value)
    if kind == "boolean":
        return random.choice((True, False, *odd.BOOLEAN_TEXTS))
    if kind == "int":
        return random.choice((0, 1, 2, 5, -1, 2**31 - 1, *odd.INTEGER_TEXTS))
    if kind == "double":
        return random.choice((*odd.NUMBERS, *odd.NUMBER_TEXTS))
    if kind == "timestamp":
        return random.choice((*odd.TIMES, *odd.TIME_TEXTS))
    if isinstance(value, dict | list) and (random.random() < 0.8 or "question" in kind):
        return _odd_collection(random, value)
    return _odd_json(random, json.dumps(value) if isinstance(value, dict | list) else value)


def _odd_collection(random: Random, value: Value) -> Value:
    """Returns a changed collection of the same type."""
    if isinstance(value, tuple):
        return value
    if isinstance(value, str):
        return odd.text(random, value)
    if isinstance(value, int):
        return random.choice((0, 1, 2, 3, -1, 2**31 - 1))
    if isinstance(value, dict):
        changed = dict(value)
        keys = list(value)
        choice = random.random()
        if not keys:
            return changed
        key = random.choice(keys)
        if choice < 0.2:
            del changed[key]
        elif choice < 0.6:
            changed[key] = _odd_collection(random, value[key])
        elif choice < 0.8:
            changed[odd.text(random, key)] = changed[key]
        else:
            changed = {key: changed[key] for key in random.sample(keys, len(keys))}
        return changed
    elements = list(value)
    if not elements or random.random() < 0.1:
        return []
    index = random.randrange(len(elements))
    if random.random() < 0.3:
        return [*elements, elements[index]]
    elements[index] = _odd_collection(random, elements[index])
    return elements


MEMBER = re.compile(r'("\w+"):("(?:[^"\\]|\\.)*"|-?\d+|true|false|null)')


def _odd_json(random: Random, value: Value) -> str:
    """Returns an unusual text for a JSON column, or the value with a changed or repeated member."""
    members = list(MEMBER.finditer(value)) if isinstance(value, str) else []
    if not members or random.random() < 0.3:
        return random.choice(odd.JSON)
    found = random.choice(members)
    key, old = found.groups()
    new = (
        random.choice(odd.JSON_VALUES)
        if random.random() < 0.7
        else json.dumps(odd.text(random, old), ensure_ascii=random.random() < 0.3)
    )
    member = random.choice((f"{key}:{new}", f"{key}:{old},{key}:{new}", f"{key}:{new},{key}:{old}"))
    if random.random() < 0.1:
        member = f"{key} : {new} "
    return found.string[: found.start()] + member + found.string[found.end() :]


def rename(random: Random, tables: Tables) -> str:
    """Gives an ID an unusual spelling everywhere, even inside collections and JSON."""
    table = some_table(random, tables)
    ids = [name for name in table.columns if name.endswith(("id", "identifier"))]
    found = [
        row[table.columns.index(name)]
        for name in ids
        for row in table.rows
        if isinstance(row[table.columns.index(name)], str)
    ]
    if not found:
        return f"nothing: no ids in {table.name}"
    old = random.choice(found)
    new = odd.text(random, old)
    if not old or len(new) > 1000:
        return "nothing: no id chosen"
    for changed in tables.values():
        for row in changed.rows:
            row[:] = [_replaced(value, old, new) for value in row]
    return f"{old!r} renamed to {new!r}"


def _replaced(value: Value, old: str, new: str) -> Value:
    if value == old:
        return new
    if isinstance(value, str) and value[:1] in ("{", "["):
        return value.replace(json.dumps(old), json.dumps(new, ensure_ascii=False))
    if isinstance(value, dict):
        return {
            _replaced(key, old, new): _replaced(inner, old, new) for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_replaced(inner, old, new) for inner in value]
    return value


def empty_column(random: Random, tables: Tables) -> str:
    """Removes all or half of the values of a column."""
    table = some_table(random, tables)
    column = random.choice(table.columns)
    share = random.choice((0.5, 1.0))
    nothing = random.choice((None, None, ""))
    for row in table.rows:
        if random.random() < share:
            row[table.columns.index(column)] = nothing
    return f"{table.name}.{column} is {nothing!r} in {share:.0%}"


def odd_column(random: Random, tables: Tables) -> str:
    """Puts unusual values into most cells of a column, like an unknown format."""
    table = some_table(random, tables)
    column = random.choice(table.columns)
    index = table.columns.index(column)
    for row in table.rows:
        if random.random() < 0.8:
            row[index] = _odd(
                random, row[index], table.types[column], column in JSON_TEXTS.get(table.name, ())
            )
    return f"odd values in most of {table.name}.{column}"


def repeat_rows(random: Random, tables: Tables) -> str:
    """Repeats rows, unchanged or with one changed cell."""
    table = some_table(random, tables)
    rows = random.choices(table.rows, k=random.randint(1, 5)) if table.rows else []
    for row in rows:
        copy = list(row)
        if random.random() < 0.6:
            index = random.randrange(len(copy))
            column = table.columns[index]
            is_json = column in JSON_TEXTS.get(table.name, ())
            copy[index] = _odd(random, copy[index], table.types[column], is_json)
        table.rows.insert(random.randint(0, len(table.rows)), copy)
    return f"{len(rows)} rows of {table.name} repeated"


def drop_rows(random: Random, tables: Tables) -> str:
    """Drops some or all rows."""
    table = some_table(random, tables)
    count = len(table.rows)
    left = random.choice((0, 1, count // 2, count - 1))
    table.rows[:] = random.sample(table.rows, min(max(left, 0), count))
    return f"{len(table.rows)} of {count} rows of {table.name}"


def shuffle_rows(random: Random, tables: Tables) -> str:
    """Shuffles the rows."""
    table = some_table(random, tables)
    random.shuffle(table.rows)
    return f"rows of {table.name} shuffled"


def reorder_columns(random: Random, tables: Tables) -> str:
    """Reorders the columns."""
    table = some_table(random, tables)
    names = random.sample(table.columns, len(table.columns))
    _keep(tables, table, names)
    return f"columns of {table.name} reordered"


def drop_column(random: Random, tables: Tables) -> str:
    """Drops a column."""
    table = some_table(random, tables)
    column = random.choice(table.columns)
    if len(table.columns) > 2:
        _keep(tables, table, [name for name in table.columns if name != column])
    return f"without {table.name}.{column}"


def _keep(tables: Tables, table: Table, names: list[str]) -> None:
    indexes = [table.columns.index(name) for name in names]
    tables[table.name] = Table(
        table.name,
        {name: table.types[name] for name in names},
        [[row[index] for index in indexes] for row in table.rows],
    )


def add_column(random: Random, tables: Tables) -> str:
    """Adds a column that no model reads, with unusual values."""
    table = some_table(random, tables)
    name = random.choice(odd.NAMES)
    if name in table.types:
        return f"nothing: {table.name} has a {name}"
    rows = [[*row, odd.text(random) if random.random() < 0.3 else None] for row in table.rows]
    tables[table.name] = Table(table.name, {**table.types, name: "text"}, rows)
    return f"extra column {name!r} in {table.name}"


def add_questions(random: Random, tables: Tables) -> str:
    """Adds a list of a user-defined type to the attempts, as Sunbird has it."""
    table = tables.get("assessment_aggregator")
    if not table or "question" in table.types:
        return "nothing: no attempts"

    def question() -> Question:
        return Question(
            odd.text(random),
            random.choice((None, *odd.TIMES)),
            random.choice((None, 1.0, 0.5)),
            random.choice((None, *odd.NUMBERS)),
            odd.text(random, "Why?"),
            [{"1": odd.text(random)}],
            random.choice((None, Decimal("3.5"))),
        )

    rows = [[*row, [question() for _ in range(random.randint(0, 2))]] for row in table.rows]
    types = {**table.types, "question": "list<frozen<question>>"}
    tables[table.name] = Table(table.name, types, rows)
    return "questions in assessment_aggregator"


def spell_columns(random: Random, tables: Tables) -> str:
    """Writes the column names of a table in capitals."""
    table = some_table(random, tables)
    tables[table.name] = Table(
        table.name, {name.upper(): kind for name, kind in table.types.items()}, table.rows
    )
    return f"columns of {table.name} in capitals"


def drop_table(random: Random, tables: Tables) -> str:
    """Drops a table."""
    table = some_table(random, tables)
    if len(tables) > 1:
        del tables[table.name]
    return f"without {table.name}"


MUTATIONS: dict[Mutation, float] = {
    odd_value: 40,
    rename: 8,
    repeat_rows: 8,
    odd_column: 2,
    empty_column: 3,
    drop_rows: 3,
    shuffle_rows: 2,
    reorder_columns: 4,
    drop_column: 3,
    add_column: 4,
    add_questions: 2,
    spell_columns: 1,
    drop_table: 0.5,
}
"""The mutations with their weights."""

WEIGHTS = {"user_enrolments": 4, "content_hierarchy": 3, "assessment_aggregator": 2, "user": 2}


def some_table(random: Random, tables: Tables) -> Table:
    """Returns a random table, more often one that matters to the report."""
    names = list(tables)
    return tables[random.choices(names, [WEIGHTS.get(name, 1) for name in names])[0]]


def copied(tables: Iterable[Table]) -> Tables:
    """Returns copies whose rows can be changed."""
    return {
        table.name: Table(table.name, dict(table.types), [list(row) for row in table.rows])
        for table in tables
    }


def cells(tables: Tables) -> Iterable[tuple[str, str, str, Any]]:
    """Yields table, column, type and value of every cell."""
    for table in tables.values():
        for row in table.rows:
            for (column, kind), value in zip(table.types.items(), row, strict=True):
                yield table.name, column, kind, value
