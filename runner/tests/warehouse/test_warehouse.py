"""What all engines do alike."""

import inspect
from pathlib import Path

import pytest

from exhaust.project.profile import ENGINES, Profile
from exhaust.project.settings import Settings
from exhaust.warehouse import CLASSES, Warehouse, class_of

TRICKY = {
    "a,b": b'"a,b"',
    'say "hi"': b'"say ""hi"""',
    "two\nlines": b'"two\nlines"',
    "a\rreturn": b'"a\rreturn"',
    "# hash": b"# hash",
    "it's": b"it's",
    " blanks ": b" blanks ",
    "\ttab": b"\ttab",
    "NULL": b"NULL",
    "a;b|c": b"a;b|c",
    "\\": b"\\",
    "\\.": b"\\.",
    'a\\"b': b'"a\\""b"',
    "=1+1": b"=1+1",
    "हिन्दी": "हिन्दी".encode(),
}
"""Values, and the bytes of their fields."""


class Interrupted(Exception):
    pass


def numbers(warehouse: Warehouse, most: int) -> str:
    """Returns a relation of the numbers from 1."""
    return f"range(1, {most + 1})" if warehouse.engine == "spark" else f"generate_series(1, {most})"


def written(warehouse: Warehouse, select: str) -> bytes:
    chunks: list[bytes] = []
    warehouse.copy_out(select, chunks.append)
    return b"".join(chunks)


@pytest.mark.parametrize(("value", "expected"), TRICKY.items())
def test_a_field_is_quoted_only_if_necessary(
    warehouse: Warehouse, value: str, expected: bytes
) -> None:
    assert written(warehouse, f"select {warehouse.literal(value)}, null, 1") == expected + b",,1\n"


def test_copy_out_counts_its_rows(warehouse: Warehouse) -> None:
    rows = warehouse.copy_out(f"select * from {numbers(warehouse, 70_000)}", lambda chunk: None)

    assert rows == 70000


def test_an_error_of_the_receiver_stops_the_copy(warehouse: Warehouse) -> None:
    def refuse(chunk: bytes) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        warehouse.copy_out(f"select * from {numbers(warehouse, 1_000_000)}", refuse)

    assert warehouse.query("select 1") == [(1,)]


def test_a_failed_transaction_leaves_nothing(warehouse: Warehouse, settings: Settings) -> None:
    schema = settings.landing_schema
    warehouse.execute(f"create schema {warehouse.identifier(schema)}")

    def create_and_fail() -> None:
        with warehouse.transaction():
            warehouse.new_texts(schema, "landed", ["a"])
            raise Interrupted

    with pytest.raises(Interrupted):
        create_and_fail()

    assert warehouse.tables(schema) == set()


def test_tables_are_those_of_the_schema(warehouse: Warehouse, settings: Settings) -> None:
    # Spark's schemas are folders, and have names of letters.
    schema = settings.landing_schema + ("" if warehouse.engine == "spark" else "'s")
    warehouse.execute(f"create schema {warehouse.identifier(schema)}")
    warehouse.execute(f"create table {warehouse.relation(schema, 'landed')} (a int)")

    assert warehouse.tables(schema) == {"landed"}
    assert warehouse.tables("another") == set()


@pytest.mark.parametrize(
    ("where", "schema", "expected"),
    [
        ("warehouse", "exhaust", "/project/warehouse"),
        ("file:/data/warehouse", "exhaust", "/data/warehouse"),
        ("file:/data/warehouse", "ap/1", "/data/warehouse.ap%2F1"),
        ("s3a://bucket/warehouse", "exhaust", "/project/one"),
        ("", "exhaust", "/project/one"),
    ],
)
def test_sparks_ledger_and_lock_are_next_to_its_warehouse(
    where: str, schema: str, expected: str
) -> None:
    options = {"server_side_parameters": {"spark.sql.warehouse.dir": where}}
    profile = Profile("one", "spark", schema, options, Path("/project"))
    assert class_of(profile).ledger_file(profile) == Path(f"{expected}.requests")
    assert class_of(profile).lock_file(profile) == Path(f"{expected}.lock")


def test_two_targets_in_one_duckdb_file_have_two_ledgers() -> None:
    files = [
        class_of(profile).ledger_file(profile)
        for schema in ("main", "ap")
        for profile in [Profile("one", "duckdb", schema, {"path": "w.duckdb"}, Path("/project"))]
    ]
    assert files == [Path("/project/w.duckdb.requests"), Path("/project/w.duckdb.ap.requests")]


def test_every_engine_has_a_class() -> None:
    assert set(CLASSES) == set(ENGINES)


@pytest.mark.parametrize("name", ENGINES)
def test_the_class_of_an_engine_has_its_name(name: str) -> None:
    found = class_of(Profile("target", name, "main", {}))
    assert issubclass(found, Warehouse)
    assert found.engine == name


@pytest.mark.parametrize("name", ENGINES)
def test_the_class_of_an_engine_implements_and_describes_it(name: str) -> None:
    found = class_of(Profile("target", name, "main", {}))
    assert not inspect.isabstract(found)
    assert type(found.is_a_file) is bool
    assert type(found.can_change_while_open) is bool
    assert type(found.reads_in_parallel) is bool
    assert found.copies_at_once >= 1
    assert found.max_columns is None or found.max_columns >= 1
