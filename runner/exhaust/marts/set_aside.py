"""What builds set aside, and why: dbt keeps what its tests of severity warn found in tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from exhaust.project.package import OWN_PACKAGE
from exhaust.project.yaml_file import read_yaml
from exhaust.warehouse import Warehouse

MAX_NAMED = 5
"""Courses, batches or columns that are named for each reason of setting rows aside."""
TESTS = OWN_PACKAGE / "tests" / "set_aside" / "_set_aside.yml"


@dataclass(frozen=True)
class SetAside:
    """Rows with a fault, found by a test of severity warn."""

    test: str
    reason: str
    rows: int
    named: dict[str, int]
    """The courses, batches or columns with the most rows, and those rows."""
    others: int
    """How many more courses, batches or columns there are."""
    is_kept: bool
    """Whether the rows are used, without what is wrong in them, or left out."""

    @classmethod
    def of(
        cls, test: str, reason: str, rows: int, named: Sequence[tuple[Any, ...]], *, is_kept: bool
    ) -> "SetAside":
        """Returns what a test found; `named` is what `most_named` returns."""
        return cls(
            test=test,
            reason=reason or test,
            rows=rows,
            named={name: int(rows_named) for name, rows_named, _ in named},
            others=named[0][2] - len(named) if named else 0,
            is_kept=is_kept,
        )


def most_named(warehouse: Warehouse, schema: str, table: str, limit: int) -> list[tuple[Any, ...]]:
    """Returns what a test found most of: its name, its rows, and the number of names in all."""
    return warehouse.query(
        "select named, sum(row_count) as rows_named, count(*) over () "
        f"from {warehouse.relation(schema, table)} where named is not null "
        f"group by named order by rows_named desc, named limit {limit}"
    )


def read_set_aside(warehouse: Warehouse, schema: str) -> list[SetAside] | None:
    """Returns what the newest run of each test found, most rows first.

    None if the tables cannot be seen: the project has moved them, or the role may not read them.
    """
    where = f"{schema}_set_aside"
    tables = warehouse.tables(where)
    known = [one for one in read_yaml(TESTS)["data_tests"] if one["name"] in tables]
    if not known:
        return None
    found = (one for test in known for one in _found(warehouse, where, test))
    return sorted(found, key=lambda one: (-one.rows, one.test))


def _found(warehouse: Warehouse, schema: str, test: dict[str, Any]) -> Iterator[SetAside]:
    name = test["name"]
    ((rows,),) = warehouse.query(
        f"select coalesce(sum(row_count), 0) from {warehouse.relation(schema, name)}"
    )
    if rows:
        is_kept = bool(test.get("config", {}).get("meta", {}).get("is_kept"))
        named = most_named(warehouse, schema, name, MAX_NAMED)
        yield SetAside.of(name, test["description"], int(rows), named, is_kept=is_kept)
