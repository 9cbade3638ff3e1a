from pathlib import Path

import pytest
from jinja2.exceptions import SecurityError

from exhaust.marts.header_plan import with_additions
from exhaust.project import sql
from exhaust.project.settings import Settings
from exhaust.project.sql import COLUMN, identifier, literal, marts_contract, report
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


def test_added_columns_are_formatted_and_rows_keep_their_order(
    warehouse: Warehouse, settings: Settings
) -> None:
    is_spark = warehouse.engine == "spark"
    text = warehouse.text
    points = "array<decimal(18, 6)>" if is_spark else "decimal(18, 6)[]"
    schema = settings.profile.schema
    progress = warehouse.relation(schema, "progress")
    details = warehouse.relation(schema, "details")
    warehouse.execute(f"create schema if not exists {warehouse.identifier(schema)}")
    keys = f"course_id {text}, batch_id {text}, user_id {text}"
    warehouse.execute(f"create table {progress} ({keys})")
    warehouse.execute(
        f"create table {details} ({keys}, contents_completed int, contents_total bigint, "
        f"total_score_all decimal(38, 0), last_activity_on date, points {points}, "
        f"max_points {points}, attempts {points})"
    )
    users = [f"u{number:02}" for number in range(20)]
    array = "array({})" if is_spark else "array[{}]"
    points_of = f"cast({array.format('0.5')} as {points}), cast({array.format(20)} as {points})"
    values = dict.fromkeys(users, "2, 0, null, null, null, null, null")
    values["u01"] = f"7, 8, 0, date '2026-02-01', {points_of}, cast({array.format(3)} as {points})"
    # DuckDB joins the rows by position.
    stored = users if warehouse.engine == "duckdb" else users[::-1]
    for table, rows in [
        (progress, [f"('c', 'a', '{user}')" for user in users]),
        (details, [f"('c', 'a', '{user}', {values[user]})" for user in stored]),
    ]:
        warehouse.execute(f"insert into {table} values {', '.join(rows)}")
    plan = [("user_id", "U", "text", None, None), ("q", "q - Score", "score", 1, "Quiz")]
    added = ["contents_completed", "total_score_all", "last_activity", "attempts", "points"]
    columns = with_additions([dict(zip(COLUMN, one, strict=True)) for one in plan], added)
    select = report(
        "report_of",
        engine=warehouse.engine,
        relation=progress,
        columns=[column for column in columns if column["kind"] != "score"],
        course_id="c",
        details=details,
    )
    found = warehouse.query(select)
    assert [row[0] for row in found] == users
    assert found[1] == ("u01", "7 of 8", "0%", "01/02/2026", 3, "0.5", "20")
    assert found[2] == ("u02", None, None, None, 0, None, None)


def test_the_mart_of_added_columns_is_read_only_for_them() -> None:
    columns = [dict(zip(COLUMN, ("user_id", "U", "text", None, None), strict=True))]

    def select(*added: str) -> str:
        return report(
            "report_of",
            engine="duckdb",
            relation="progress",
            columns=with_additions(columns, added),
            course_id="c",
            details="the_details",
        )

    assert "the_details" in select("status")
    assert "the_details" not in select()
    assert "order by" not in select()
