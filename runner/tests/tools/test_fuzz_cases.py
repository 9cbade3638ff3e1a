"""Tests how the fuzzer makes cases."""

from datetime import datetime
from random import Random

import pytest
from fuzz import damage, names, values
from fuzz.cases import COMBINATIONS, baseline, make_case
from fuzz.engines import SEEDS
from writers import FORMS, PACKINGS, Tables, extract_files, sample


@pytest.fixture(scope="module")
def tables() -> Tables:
    return sample(SEEDS)


def test_a_seed_and_a_number_determine_the_case(tables: Tables) -> None:
    def cases(seed: int) -> list[tuple[str, dict[str, bytes], str]]:
        made = [make_case(seed, number, tables) for number in range(20)]
        return [(str(case), case.files, repr(case.baseline)) for case in made]

    assert cases(3) == cases(3)
    assert len({name for name, *_ in cases(3)}) == 20
    assert cases(3) != cases(4)
    assert repr(tables) == repr(sample(SEEDS))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packing", PACKINGS)
def test_cases_can_have_every_form_and_packing(tables: Tables, form: str, packing: str) -> None:
    cases = [make_case(5, number, tables, [(form, packing)]) for number in range(4)]

    assert {(case.form, case.packing) for case in cases} == {(form, packing)}
    assert all(case.files and case.steps for case in cases)


@pytest.mark.parametrize("mutation", values.MUTATIONS)
def test_mutated_tables_can_be_written_in_every_form(
    tables: Tables, mutation: values.Mutation
) -> None:
    changed = 0
    for seed in range(8):
        mutated = values.copied(tables.values())
        assert mutation(Random(seed), mutated)
        changed += mutated != tables
        for form in FORMS:
            extract_files(mutated, form)
    assert changed


@pytest.mark.parametrize("change", damage.CONTENT)
def test_every_damage_changes_bytes(change: damage.Damage) -> None:
    content = extract_files({"location": sample(SEEDS)["location"]})["location.csv"]

    assert any(change(Random(seed), content) != content for seed in range(5))
    assert isinstance(change(Random(1), b""), bytes)


@pytest.mark.parametrize(
    ("column", "value", "is_compared"),
    [
        ("firstname", "c:\\d", False),
        ("firstname", "a\u00a0b", False),
        ("profilelocation", '[{"id":"\u00a0"}]', True),
        ("profilelocation", '[{"id":"say \\"hi\\""}]', True),
        ("profilelocation", '[{"id":"a\\nb"}]', False),
        ("framework", '{"board":1}', False),
        ("framework", {"board": ['O\'Brien, "x"']}, True),
        ("framework", {"board": ["a\nb"]}, False),
    ],
)
def test_cqlsh_is_compared_with_dsbulk_if_it_can_carry_the_value(
    tables: Tables, column: str, value: object, is_compared: bool
) -> None:
    changed = values.copied(tables.values())
    user = changed["user"]
    user.rows[0][user.columns.index(column)] = value

    assert (baseline(changed, tables, "cqlsh") is not None) == is_compared
    assert baseline(changed, tables, "json-lines") == changed


@pytest.mark.parametrize("naming", names.NAMINGS)
def test_alternative_names_keep_every_row(tables: Tables, naming: names.Naming) -> None:
    written, usual_tables = values.copied(tables.values()), values.copied(tables.values())

    assert not naming(Random(1), written, usual_tables).startswith("nothing")

    assert {name: table.columns for name, table in written.items()} != {
        name: table.columns for name, table in usual_tables.items()
    }
    assert sorted(len(table.rows) for table in written.values()) == sorted(
        len(table.rows) for table in usual_tables.values()
    )


def test_an_id_is_in_one_of_its_columns(tables: Tables) -> None:
    original = tables["assessment_aggregator"]
    shares = set()
    for seed in range(8):
        written = values.copied(tables.values())
        names.columns(Random(seed), written, tables)
        table = written["assessment_aggregator"]
        if "collection_id" not in table.types:
            continue
        rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        shares.add("course_id" in table.types)

        assert [row.get("course_id") or row["collection_id"] for row in rows] == [
            row[original.columns.index("course_id")] for row in original.rows
        ]

    assert shares == {True, False}


@pytest.mark.parametrize(
    ("changes", "is_compared"),
    [
        ({}, True),
        ({"active": False}, True),
        ({"active": "t"}, False),
        ({"completedon": datetime(2024, 1, 1)}, True),
        ({"enrolled_date": datetime(2024, 1, 1)}, False),
        ({"enrolled_date": datetime(2024, 1, 1), "datetime": datetime(2024, 1, 1)}, True),
        ({"contentstatus": {"do_1": 2}}, True),
    ],
)
def test_rows_that_differ_only_in_spelling_are_not_compared(
    tables: Tables, changes: dict[str, object], is_compared: bool
) -> None:
    changed = values.copied(tables.values())
    enrolments = changed["user_enrolments"]
    row = dict(zip(enrolments.columns, enrolments.rows[2], strict=True))
    enrolments.rows.append([changes.get(name, value) for name, value in row.items()])

    assert row["active"] is True
    assert (baseline(changed, tables, "json-lines") is not None) == is_compared
    assert baseline(changed, tables, "dsbulk-gz")


def test_every_form_and_packing_has_combinations() -> None:
    assert {*COMBINATIONS} == {*FORMS}
    assert {packing for packings in COMBINATIONS.values() for packing in packings} == {*PACKINGS}
