import pytest

from exhaust.settings import Settings
from exhaust.sql import course_report, identifier, literal, relation
from exhaust.warehouse import Warehouse

TEXTS = [
    "plain",
    'a "quoted" name',
    "it's; drop table x --",
    "{{ 7 * 7 }} {% raw %}",
    "\\",
    "गणित\n",
]


def test_quotes_are_doubled() -> None:
    assert identifier('a "b"') == '"a ""b"""'
    assert literal("it's") == "'it''s'"
    assert literal(None) == "null"


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_as_it_went_in(warehouse: Warehouse, text: str) -> None:
    assert warehouse.query(f"select {literal(text)} as {identifier(text)}") == [(text,)]


def test_relation() -> None:
    assert relation('a"b', "c") == '"a""b"."c"'


def test_a_report_of_chosen_batches(warehouse: Warehouse, settings: Settings) -> None:
    rows = [
        "('c', 'a', 'V', null)",
        "('c', 'a', 'v', array[0])",
        "('c', 'b', 'u', array[7])",
        "('c', 'x', 'u', null)",
        "('d', 'a', 'u', null)",
    ]
    if warehouse.engine != "duckdb":  # Which takes the rows as they stand.
        rows.reverse()
    warehouse.execute(
        "create table progress (course_id text, batch_id text, user_id text, scores int[]);"
        f"insert into progress values {', '.join(rows)}"
    )
    select = course_report(
        settings.project_dir,
        engine=warehouse.engine,
        relation="progress",
        columns=[
            {"column_name": "batch_id", "label": "B", "kind": "text", "assessment_ordinal": None},
            {"column_name": "user_id", "label": "U", "kind": "text", "assessment_ordinal": None},
            {"column_name": "q", "label": 'q" - Score', "kind": "score", "assessment_ordinal": 1},
        ],
        course_id="c",
        batch_ids=["b", "a"],
    )
    assert warehouse.query(select) == [("a", "V", None), ("a", "v", "0%"), ("b", "u", "7%")]
