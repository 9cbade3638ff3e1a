"""Every engine reads a thousand random JSON texts as Python does."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import json_reference as reference
import pytest
from dbt_support import dbt

from exhaust.project.settings import Settings
from exhaust.warehouse import Warehouse

TEXTS = reference.texts(1000, seed=10)
BATCH = 100

ANSWERS = """
    with read as (select given.id, given.text, {{ parsed_json("given.text") }} as value from given)
    select
        read.id,
        read.value is not null as is_json,
        {{ parsed_collection("read.text") }} is null as is_unreadable,
        {{ json_is_object("read.value") }} as is_object,
        {{ json_is_nonempty("read.value") }} as holds_any,
        {{ json_text("read.value", "name") }} as name,
        {{ json_text("read.value", ["name", "name"]) }} as deep,
        {{ json_first_text(json_member("read.value", "board")) }} as first_board,
        {{ json_texts("read.value") }} as texts,
        {{ json_count_keys_with_value("read.value", 2) }} as done,
        {{ json_count_keys_with_value("read.value", 2, array_of(["do_1", "do_2", "do_3"])) }}
        as done_among
    from read
"""
ELEMENTS = """
    with
        read as (select given.id, {{ parsed_json("given.text") }} as value from given),
        unfolded as (select read.id, {{ json_elements("read.value") }} from read)
    select unfolded.id, unfolded.position, {{ json_text("unfolded.element", "name") }} as name
    from unfolded
"""


def compiled(settings: Settings, folder: Path, *selects: str) -> list[str]:
    """Returns SELECTs compiled by dbt to the SQL of the engine."""
    separator = "-- and --"
    done = dbt(
        settings,
        folder,
        *("compile", "--quiet", "--inline", separator.join(selects), "--output", "json"),
        *("--no-populate-cache", "--no-introspect"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sql: str = json.loads(done.stdout)["compiled"]
    return sql.split(separator)


@pytest.fixture
def given(warehouse: Warehouse, settings: Settings) -> str:
    """Returns a table that contains the texts."""
    schema = settings.profile.schema
    warehouse.execute(f"create schema if not exists {warehouse.identifier(schema)}")
    table = warehouse.relation(schema, "given")
    warehouse.execute(f"create table {table} (id int, text {warehouse.text})")
    for start in range(0, len(TEXTS), BATCH):
        rows = [
            f"({start + index}, {warehouse.literal(text)})"
            for index, text in enumerate(TEXTS[start : start + BATCH])
        ]
        warehouse.execute(f"insert into {table} values {', '.join(rows)}")
    return table


def test_engines_read_json_as_python_does(
    given: str, warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    answers, elements = compiled(settings, tmp_path, ANSWERS, ELEMENTS)
    names = list(reference.answers(""))
    found = {
        row[0]: dict(zip(names, row[1:], strict=True))
        for row in warehouse.query(answers.replace("from given)", f"from {given} as given)"))
    }
    unfolded: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for id_, position, name in warehouse.query(
        elements.replace("from given)", f"from {given} as given)")
    ):
        unfolded[id_].append((position, name))

    wrong = [
        (text[:200], name, found[index][name], expected)
        for index, text in enumerate(TEXTS)
        for name, expected in reference.answers(text).items()
        if found[index][name] != expected
    ]
    wrong += [
        (text[:200], "elements", sorted(unfolded[index]), reference.elements(text))
        for index, text in enumerate(TEXTS)
        if sorted(unfolded[index]) != reference.elements(text)
    ]
    assert not wrong, f"{len(wrong)} answers are wrong, the first are {wrong[:10]}"


def test_the_random_texts_cover_every_kind() -> None:
    """Ensures that the test above covers enough."""
    answers = [reference.answers(text) for text in TEXTS]

    assert len(set(TEXTS)) == 1000
    assert 250 < sum(answer["is_json"] for answer in answers) < 850
    assert sum(bool(answer["name"]) for answer in answers) > 50
    assert sum(answer["done_among"] > 0 for answer in answers) > 50
    assert sum(answer["done_among"] != answer["done"] for answer in answers) > 10
    assert sum(len(text) > 30_000 for text in TEXTS) > 5
