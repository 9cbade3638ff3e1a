from pathlib import Path

import pytest
from jinja2.exceptions import SecurityError

from exhaust.project import sql
from exhaust.project.settings import Settings
from exhaust.project.sql import identifier, literal, marts_contract, report
from exhaust.warehouse import Warehouse

TEXTS = [
    "plain",
    'a "quoted" name',
    "it's; drop table x --",
    "{{ 7 * 7 }} {% raw %}",
    "\\",
    "a `quoted` \\n name\\",
    "गणित\n",
]


def test_quotes_are_doubled() -> None:
    assert identifier('a "b"', "postgres") == '"a ""b"""'
    assert identifier('a "`b`"', "spark") == '`a "``b``"`'
    assert literal("it's \\", "duckdb") == "'it''s \\'"
    assert literal("it's \\", "postgres") == "E'it''s \\\\'"
    assert literal("it's", "postgres") == "'it''s'"
    assert literal("it's \\", "spark") == "'it''s \\\\'"
    assert literal(None, "spark") == "null"


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_survives_quoting(warehouse: Warehouse, text: str) -> None:
    name = warehouse.identifier(text)
    assert warehouse.query(f"select {warehouse.literal(text)} as {name}") == [(text,)]


def test_macros_cannot_reach_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "attack.sql").write_text(
        "{% macro marts_contract() %}{{ ().__class__.__mro__[1].__subclasses__() }}{% endmacro %}"
    )
    monkeypatch.setattr(sql, "PURE_MACROS", tmp_path)
    monkeypatch.setattr(sql, "_macros", sql._macros.__wrapped__)
    with pytest.raises(SecurityError):
        marts_contract()


def test_a_relation_ends_in_two_identifiers(warehouse: Warehouse) -> None:
    name = f"{warehouse.identifier('a')}.{warehouse.identifier('b')}"
    assert warehouse.relation("a", "b").endswith(name)


def test_a_report_of_chosen_batches(warehouse: Warehouse, settings: Settings) -> None:
    is_spark = warehouse.engine == "spark"
    array, kind = ("array({})", "array<int>") if is_spark else ("array[{}]", "int[]")
    rows = [
        "('c', 'a', 'V', null)",
        f"('c', 'a', 'v', {array.format(0)})",
        f"('c', 'b', 'u', {array.format(7)})",
        "('c', 'x', 'u', null)",
        "('d', 'a', 'u', null)",
    ]
    if warehouse.engine != "duckdb":  # DuckDB exports rows in their order.
        rows.reverse()
    schema = settings.profile.schema
    progress = warehouse.relation(schema, "progress")
    text = warehouse.text
    warehouse.execute(f"create schema if not exists {warehouse.identifier(schema)}")
    warehouse.execute(
        f"create table {progress} "
        f"(course_id {text}, batch_id {text}, user_id {text}, scores {kind})"
    )
    warehouse.execute(f"insert into {progress} values {', '.join(rows)}")
    select = report(
        "report_of",
        engine=warehouse.engine,
        relation=progress,
        columns=[
            {"column_name": "batch_id", "label": "B", "kind": "text", "assessment_ordinal": None},
            {"column_name": "user_id", "label": "U", "kind": "text", "assessment_ordinal": None},
            {"column_name": "q", "label": 'q" - Score', "kind": "score", "assessment_ordinal": 1},
        ],
        course_id="c",
        batch_ids=["b", "a"],
    )
    assert warehouse.query(select) == [("a", "V", None), ("a", "v", "0%"), ("b", "u", "7%")]
