"""Ten cases of the fuzzer, and that it finds what is wrong."""

import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import fuzz.engines
import pytest
from conftest import NewSettings
from fuzz import damage, names, values
from fuzz.cases import (
    COMBINATIONS,
    Case,
    baseline,
    make_case,
)
from fuzz.engines import SEEDS, Engine, Outcome, Reports
from fuzz.job import oracle_reports
from fuzz.run import Finding, Fuzzer, run_cases, summary
from support import PROJECT
from writers import FORMS, PACKINGS, Tables, extract_files, sample

from exhaust.pipeline.load import LoadReport
from exhaust.project.settings import Settings
from exhaust.project.sources import read_sources
from exhaust.warehouse import Warehouse

SOURCES = read_sources(PROJECT)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return sample(SEEDS)


@pytest.fixture(scope="module")
def engines(new_settings: NewSettings) -> list[Engine]:
    return [Engine(new_settings(name)) for name in ("duckdb", "postgres")]


needs_engines = pytest.mark.usefixtures("settings_duckdb", "settings_postgres")


@needs_engines
def test_ten_cases_find_nothing(engines: list[Engine], tables: Tables, tmp_path: Path) -> None:
    fuzzer = Fuzzer(engines, SOURCES, tmp_path, oracle=oracle_reports)

    for number in range(10):
        case = make_case(10, number, tables)
        assert fuzzer.run(case) == [], str(case)

    assert fuzzer.counts["loaded"] > 4, summary(fuzzer.counts)
    assert fuzzer.counts["refused"] > 1, summary(fuzzer.counts)


SABOTAGE = [
    (
        "course_batches",
        "select * from ({}) as rows_made where batch_id <> '0130300000000000102'",
        "test failed: every_enrolment_is_counted",
    ),
    ("int_enrolments", "select no_such_column from ({}) as rows_made", "traceback: no_such_column"),
    (
        "course_progress",
        "select * from ({}) as rows_made where batch_id <> '0130300000000000102'",
        "test failed: every_enrolment_is_counted",
    ),
]


@needs_engines
@pytest.mark.parametrize(("model", "changed", "told"), SABOTAGE)
def test_a_wrong_model_is_found(
    engines: list[Engine],
    tables: Tables,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    changed: str,
    told: str,
) -> None:
    case, _ = whole(tables)
    models = [
        replace(node, sql=changed.format(node.sql)) if node.name == model else node
        for node in engines[0].models
    ]
    monkeypatch.setattr(engines[0], "models", models)

    findings = Fuzzer(engines, SOURCES, tmp_path).run(case)

    assert any(
        finding.kind == told.partition(": ")[0] and told.partition(": ")[2] in finding.what
        for finding in findings
    ), findings


@needs_engines
def test_rows_that_a_load_loses_are_found(
    engines: list[Engine], tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, _ = whole(tables)
    real_load = fuzz.engines.load

    def load_but_one(warehouse: Warehouse, settings: Settings, *others: Any) -> LoadReport:
        report = real_load(warehouse, settings, *others)
        user = warehouse.relation(settings.landing_schema, "user")
        warehouse.execute(f"delete from {user} where firstname = 'Mentor'")
        return report

    monkeypatch.setattr(fuzz.engines, "load", load_but_one)

    assert ("rows unaccounted for", "on duckdb: user: 38 loaded, 37 there") in Fuzzer(
        engines, SOURCES, tmp_path
    ).run(case)


def test_a_seed_and_a_number_make_the_same_case_each_time(tables: Tables) -> None:
    def cases(seed: int) -> list[tuple[str, dict[str, bytes], str]]:
        made = [make_case(seed, number, tables) for number in range(20)]
        return [(str(case), case.files, repr(case.baseline)) for case in made]

    assert cases(3) == cases(3)
    assert len({name for name, *_ in cases(3)}) == 20
    assert cases(3) != cases(4)
    assert repr(tables) == repr(sample(SEEDS))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packing", PACKINGS)
def test_cases_can_be_of_every_form(tables: Tables, form: str, packing: str) -> None:
    cases = [make_case(5, number, tables, [(form, packing)]) for number in range(4)]

    assert {(case.form, case.packing) for case in cases} == {(form, packing)}
    assert all(case.files and case.steps for case in cases)


@pytest.mark.parametrize("mutation", values.MUTATIONS)
def test_a_mutation_leaves_tables_that_every_form_can_be_written_of(
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
def test_a_damage_changes_bytes(change: damage.Damage) -> None:
    content = extract_files({"location": sample(SEEDS)["location"]})["location.csv"]

    assert any(change(Random(seed), content) != content for seed in range(5))
    assert isinstance(change(Random(1), b""), bytes)


class Stub:
    """An engine that gives what it is told to."""

    def __init__(self, name: str, run: Callable[[], Outcome]) -> None:
        self.name = name
        self._run = run

    def run(self, extract: Path, reports: Path) -> Outcome:
        return self._run()

    def interrupt(self) -> None:
        pass


def judged(
    tmp_path: Path, case: Case, *outcomes: Outcome | Callable[[], Outcome], seconds: float = 60
) -> list[Finding]:
    """What is found in a case of which the first engine, the second … make these outcomes."""

    def engine(number: int, outcome: Outcome | Callable[[], Outcome]) -> Stub:
        return Stub(f"engine {number}", outcome if callable(outcome) else lambda: outcome)

    engines = [engine(number, outcome) for number, outcome in enumerate(outcomes, start=1)]
    fuzzer = Fuzzer(engines, SOURCES, tmp_path, kept=tmp_path / "kept", seconds=seconds)  # type: ignore[arg-type]
    findings = fuzzer.run(case)
    assert not list((tmp_path / "kept").glob("running-*"))
    assert (tmp_path / "kept" / f"case-{case.number}" / "extract").exists() == bool(findings)
    assert {kind: fuzzer.counts[kind] for kind in {finding.kind for finding in findings}} == {
        kind: [finding.kind for finding in findings].count(kind)
        for kind in {finding.kind for finding in findings}
    }
    return findings


DAMAGED = Case(7, "dsbulk", "files", ["x: cut"], {"user.csv": b"userid\n"}, None, None)
REFUSED = Outcome(refusal="load: DataError: x")


def test_refused_alike_is_no_finding(tmp_path: Path) -> None:
    assert judged(tmp_path, DAMAGED, REFUSED, REFUSED) == []


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (
            Outcome(refusal="load: DataError: y"),
            "refusal: 'load: DataError: x' and 'load: DataError: y'",
        ),
        (Outcome(), "refusal: 'load: DataError: x' and 'None'"),
    ],
)
def test_refused_otherwise_is_a_difference(tmp_path: Path, other: Outcome, told: str) -> None:
    assert judged(tmp_path, DAMAGED, REFUSED, other) == [
        Finding("difference", f"engine 1 and engine 2: {told}")
    ]


def test_other_bytes_are_a_difference(tmp_path: Path) -> None:
    one, other = (Outcome(reports={("c", "b"): f"x\n{letter}\n".encode()}) for letter in "yz")

    assert judged(tmp_path, DAMAGED, one, other) == [
        Finding(
            "difference", "engine 1 and engine 2: reports of ('c', 'b'): 'x\\ny\\n' and 'x\\nz\\n'"
        )
    ]


def test_a_crash_is_a_traceback(tmp_path: Path) -> None:
    assert judged(tmp_path, DAMAGED, REFUSED, Outcome(crash="KeyError")) == [
        Finding("traceback", "KeyError")
    ]


def test_a_case_that_does_not_end_is_a_hang(tmp_path: Path) -> None:
    def hang() -> Outcome:
        while True:
            signal.pause()

    assert judged(tmp_path, DAMAGED, REFUSED, hang, seconds=0.01) == [
        Finding("hang", "on engine 2: over 0 s")
    ]


def test_a_case_that_ends_the_process_has_left_its_name(tmp_path: Path) -> None:
    def look() -> Outcome:
        (running,) = (tmp_path / "kept").glob("running-*")
        assert (running / "extract" / "user.csv").exists()
        assert (running / "finding.txt").read_text("utf-8") == f"{DAMAGED}\n\nIt did not end.\n"
        return REFUSED

    assert judged(tmp_path, DAMAGED, look) == []


def test_an_interrupted_engine_may_give_an_error_of_its_own(tmp_path: Path) -> None:
    def hang() -> Outcome:
        try:
            signal.pause()
        except BaseException as error:
            raise KeyboardInterrupt from error
        raise AssertionError

    assert [finding.kind for finding in judged(tmp_path, DAMAGED, hang, seconds=0.01)] == ["hang"]


def whole(tables: Tables, form: str = "rfc4180") -> tuple[Case, Outcome]:
    """A case in which nothing is damaged, and its outcome."""
    outcome = Outcome(
        rows={name: len(table.rows) for name, table in tables.items()},
        keys={
            source.name: sorted(
                (
                    tuple(row[tables[source.name].columns.index(column)] for column in source.key)
                    for row in tables[source.name].rows
                ),
                key=repr,
            )
            for source in SOURCES
        },
        reports={("c", "b"): b"x\n"},
    )
    return Case(7, form, "files", ["x"], extract_files(tables, form), tables, tables), outcome


def test_all_rows_there_is_no_finding(tmp_path: Path, tables: Tables) -> None:
    case, outcome = whole(tables)

    assert judged(tmp_path, case, outcome, outcome) == []


def test_a_row_that_is_not_loaded_is_unaccounted_for(tmp_path: Path, tables: Tables) -> None:
    case, outcome = whole(tables)
    outcome.rows["user"] -= 1

    assert judged(tmp_path, case, outcome, outcome) == [
        Finding("rows unaccounted for", "user: 38 rows written, 37 loaded")
    ]


def test_a_key_that_lands_as_another_is_unaccounted_for(tmp_path: Path, tables: Tables) -> None:
    case, outcome = whole(tables)
    outcome.keys["system_settings"][1] = ("emailUniqueX",)

    assert judged(tmp_path, case, outcome, outcome) == [
        Finding(
            "rows unaccounted for",
            "system_settings: key ('emailUnique',) written, ('emailUniqueX',) landed",
        )
    ]


def test_a_test_of_a_model_that_fails_is_told(tmp_path: Path) -> None:
    outcome = Outcome(refusal="build: failed grain", broken=["grain"])

    assert judged(tmp_path, DAMAGED, outcome) == [Finding("test failed", "on engine 1: grain")]


def test_what_an_engine_cannot_account_for_is_told(tmp_path: Path) -> None:
    outcome = Outcome(unaccounted=["2 enrolments landed, 1 is counted"])

    assert judged(tmp_path, DAMAGED, outcome) == [
        Finding("rows unaccounted for", "on engine 1: 2 enrolments landed, 1 is counted")
    ]


def test_another_report_than_dsbulks_is_a_difference(tmp_path: Path, tables: Tables) -> None:
    case, outcome = whole(tables)
    asked: list[Outcome] = []

    def changing() -> Outcome:
        asked.append(Outcome(**{**vars(outcome), "reports": {("c", "b"): b"%d\n" % len(asked)}}))
        return asked[-1]

    assert judged(tmp_path, case, changing) == [
        Finding("difference", "dsbulk and this form: reports of ('c', 'b'): '1\\n' and '0\\n'")
    ]


def test_cases_end_when_the_time_is_over(tmp_path: Path) -> None:
    fuzzer = Fuzzer([Stub("engine", lambda: REFUSED)], SOURCES, tmp_path)  # type: ignore[list-item]
    times = iter(range(100))
    told: list[str] = []

    run_cases(fuzzer, [DAMAGED] * 50, told.append, until=20, clock=lambda: next(times))
    run_cases(fuzzer, [DAMAGED] * 30, told.append, until=100, clock=lambda: next(times))

    assert told == [
        "cases: 50, refused: 50, loaded: 0, traceback: 0, hang: 0, difference: 0, "
        "rows unaccounted for: 0, test failed: 0"
    ]


def test_a_program_beside_it_is_asked(tmp_path: Path, tables: Tables) -> None:
    case, outcome = whole(tables)
    engine = Stub("engine", lambda: outcome)

    def findings(reports: Reports) -> list[Finding]:
        fuzzer = Fuzzer([engine], SOURCES, tmp_path, oracle=lambda folder: reports)  # type: ignore[list-item]
        return fuzzer.run(case)

    assert findings(outcome.reports) == []
    assert [finding.kind for finding in findings({("c", "b"): b"y\n"})] == ["difference"]


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
def test_cqlsh_is_held_against_dsbulk_where_it_can_carry_the_value(
    tables: Tables, column: str, value: object, is_compared: bool
) -> None:
    changed = values.copied(tables.values())
    user = changed["user"]
    user.rows[0][user.columns.index(column)] = value

    assert (baseline(changed, tables, "cqlsh") is not None) == is_compared
    assert baseline(changed, tables, "json-lines") == changed


@pytest.mark.parametrize("naming", names.NAMINGS)
def test_other_names_keep_every_row(tables: Tables, naming: names.Naming) -> None:
    written, usual = values.copied(tables.values()), values.copied(tables.values())

    assert not naming(Random(1), written, usual).startswith("nothing")

    assert {name: table.columns for name, table in written.items()} != {
        name: table.columns for name, table in usual.items()
    }
    assert sorted(len(table.rows) for table in written.values()) == sorted(
        len(table.rows) for table in usual.values()
    )


def test_an_id_is_under_one_of_its_names(tables: Tables) -> None:
    usual = tables["assessment_aggregator"]
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
            row[usual.columns.index("course_id")] for row in usual.rows
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
def test_rows_told_apart_by_their_spelling_are_not_compared(
    tables: Tables, changes: dict[str, object], is_compared: bool
) -> None:
    changed = values.copied(tables.values())
    enrolments = changed["user_enrolments"]
    row = dict(zip(enrolments.columns, enrolments.rows[2], strict=True))
    enrolments.rows.append([changes.get(name, value) for name, value in row.items()])

    assert row["active"] is True
    assert (baseline(changed, tables, "json-lines") is not None) == is_compared
    assert baseline(changed, tables, "dsbulk-gz")


def test_the_packings_of_each_form_are_known() -> None:
    assert {*COMBINATIONS} == {*FORMS}
    assert {packing for packings in COMBINATIONS.values() for packing in packings} == {*PACKINGS}
