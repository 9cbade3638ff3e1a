"""Runs ten cases of the fuzzer, and tests that it finds what is wrong."""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import fuzz.engines
import pytest
from fuzz.cases import Case, make_case
from fuzz.engines import SEEDS, Engine, Outcome, Reports
from fuzz.job import oracle_reports
from fuzz.run import Finding, Fuzzer, run_cases, summary
from support import PROJECT, NewSettings
from writers import Tables, extract_files, sample

from exhaust.pipeline.load import LoadReport, load
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
def test_ten_cases_have_no_findings(engines: list[Engine], tables: Tables, tmp_path: Path) -> None:
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
@pytest.mark.parametrize(("model", "changed", "message"), SABOTAGE)
def test_a_broken_model_is_found(
    engines: list[Engine],
    tables: Tables,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    changed: str,
    message: str,
) -> None:
    case, _ = undamaged(tables)
    models = [
        replace(node, sql=changed.format(node.sql)) if node.name == model else node
        for node in engines[0].models
    ]
    monkeypatch.setattr(engines[0], "models", models)

    findings = Fuzzer(engines, SOURCES, tmp_path).run(case)

    assert any(
        finding.kind == message.partition(": ")[0] and message.partition(": ")[2] in finding.what
        for finding in findings
    ), findings


@needs_engines
def test_rows_lost_by_a_load_are_found(
    engines: list[Engine], tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, _ = undamaged(tables)

    def load_but_one(warehouse: Warehouse, settings: Settings, *others: Any) -> LoadReport:
        report = load(warehouse, settings, *others)
        user = warehouse.relation(settings.landing_schema, "user")
        warehouse.execute(f"delete from {user} where firstname = 'Mentor'")
        return report

    monkeypatch.setattr(fuzz.engines, "load", load_but_one)

    assert ("rows unaccounted for", "on duckdb: user: 38 loaded, 37 in landing") in Fuzzer(
        engines, SOURCES, tmp_path
    ).run(case)


class Stub:
    """An engine with given outcomes."""

    def __init__(self, name: str, run: Callable[[], Outcome]) -> None:
        self.name = name
        self._run = run

    def run(self, extract: Path, reports: Path) -> Outcome:
        return self._run()

    def interrupt(self) -> None:
        pass


def findings_of(
    tmp_path: Path, case: Case, *outcomes: Outcome | Callable[[], Outcome], seconds: float = 60
) -> list[Finding]:
    """Returns the findings in a case whose engines, in order, have these outcomes."""

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


def test_equal_refusals_are_not_a_finding(tmp_path: Path) -> None:
    assert findings_of(tmp_path, DAMAGED, REFUSED, REFUSED) == []


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            Outcome(refusal="load: DataError: y"),
            "refusal: 'load: DataError: x' and 'load: DataError: y'",
        ),
        (Outcome(), "refusal: 'load: DataError: x' and 'None'"),
    ],
)
def test_different_refusals_are_a_difference(tmp_path: Path, other: Outcome, message: str) -> None:
    assert findings_of(tmp_path, DAMAGED, REFUSED, other) == [
        Finding("difference", f"engine 1 and engine 2: {message}")
    ]


def test_different_report_bytes_are_a_difference(tmp_path: Path) -> None:
    one, other = (Outcome(reports={("c", "b"): f"x\n{letter}\n".encode()}) for letter in "yz")

    assert findings_of(tmp_path, DAMAGED, one, other) == [
        Finding(
            "difference", "engine 1 and engine 2: reports of ('c', 'b'): 'x\\ny\\n' and 'x\\nz\\n'"
        )
    ]


def test_a_crash_is_a_traceback(tmp_path: Path) -> None:
    assert findings_of(tmp_path, DAMAGED, REFUSED, Outcome(crash="KeyError")) == [
        Finding("traceback", "KeyError")
    ]


def test_a_case_that_does_not_finish_is_a_hang(tmp_path: Path) -> None:
    def hang() -> Outcome:
        while True:
            signal.pause()

    assert findings_of(tmp_path, DAMAGED, REFUSED, hang, seconds=0.01) == [
        Finding("hang", "on engine 2: over 0 s")
    ]


def test_a_running_case_is_on_disk_in_case_the_process_dies(tmp_path: Path) -> None:
    def look() -> Outcome:
        (running,) = (tmp_path / "kept").glob("running-*")
        assert (running / "extract" / "user.csv").exists()
        assert (running / "finding.txt").read_text("utf-8") == f"{DAMAGED}\n\nIt did not finish.\n"
        return REFUSED

    assert findings_of(tmp_path, DAMAGED, look) == []


def test_an_interrupted_engine_may_raise_its_own_error(tmp_path: Path) -> None:
    def hang() -> Outcome:
        try:
            signal.pause()
        except BaseException as error:
            raise KeyboardInterrupt from error
        raise AssertionError

    assert [finding.kind for finding in findings_of(tmp_path, DAMAGED, hang, seconds=0.01)] == [
        "hang"
    ]


def undamaged(tables: Tables, form: str = "rfc4180") -> tuple[Case, Outcome]:
    """Returns a case without damage, and its outcome."""
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


def test_complete_rows_are_not_a_finding(tmp_path: Path, tables: Tables) -> None:
    case, outcome = undamaged(tables)

    assert findings_of(tmp_path, case, outcome, outcome) == []


def test_a_row_that_was_not_loaded_is_unaccounted_for(tmp_path: Path, tables: Tables) -> None:
    case, outcome = undamaged(tables)
    outcome.rows["user"] -= 1

    assert findings_of(tmp_path, case, outcome, outcome) == [
        Finding("rows unaccounted for", "user: 38 rows written, 37 loaded")
    ]


def test_a_key_that_lands_changed_is_unaccounted_for(tmp_path: Path, tables: Tables) -> None:
    case, outcome = undamaged(tables)
    outcome.keys["system_settings"][1] = ("emailUniqueX",)

    assert findings_of(tmp_path, case, outcome, outcome) == [
        Finding(
            "rows unaccounted for",
            "system_settings: key ('emailUnique',) written, ('emailUniqueX',) landed",
        )
    ]


def test_a_failed_model_test_is_a_finding(tmp_path: Path) -> None:
    outcome = Outcome(refusal="build: failed grain", failed_model_tests=["grain"])

    assert findings_of(tmp_path, DAMAGED, outcome) == [Finding("test failed", "on engine 1: grain")]


def test_rows_that_an_engine_cannot_account_for_are_a_finding(tmp_path: Path) -> None:
    outcome = Outcome(unaccounted=["2 enrolments landed, 1 is counted"])

    assert findings_of(tmp_path, DAMAGED, outcome) == [
        Finding("rows unaccounted for", "on engine 1: 2 enrolments landed, 1 is counted")
    ]


def test_a_report_that_differs_from_dsbulks_is_a_difference(tmp_path: Path, tables: Tables) -> None:
    case, outcome = undamaged(tables)
    outcomes: list[Outcome] = []

    def changing() -> Outcome:
        outcomes.append(
            Outcome(**{**vars(outcome), "reports": {("c", "b"): b"%d\n" % len(outcomes)}})
        )
        return outcomes[-1]

    assert findings_of(tmp_path, case, changing) == [
        Finding("difference", "dsbulk and this form: reports of ('c', 'b'): '1\\n' and '0\\n'")
    ]


def test_cases_stop_at_the_deadline(tmp_path: Path) -> None:
    fuzzer = Fuzzer([Stub("engine", lambda: REFUSED)], SOURCES, tmp_path)  # type: ignore[list-item]
    times = iter(range(100))
    reported: list[str] = []

    run_cases(fuzzer, [DAMAGED] * 50, reported.append, end_time=20, clock=lambda: next(times))
    run_cases(fuzzer, [DAMAGED] * 30, reported.append, end_time=100, clock=lambda: next(times))

    assert reported == [
        "cases: 50, refused: 50, loaded: 0, traceback: 0, hang: 0, difference: 0, "
        "rows unaccounted for: 0, test failed: 0"
    ]


def test_reports_are_compared_with_the_oracle(tmp_path: Path, tables: Tables) -> None:
    case, outcome = undamaged(tables)
    engine = Stub("engine", lambda: outcome)

    def findings(reports: Reports) -> list[Finding]:
        fuzzer = Fuzzer([engine], SOURCES, tmp_path, oracle=lambda folder: reports)  # type: ignore[list-item]
        return fuzzer.run(case)

    assert findings(outcome.reports) == []
    assert [finding.kind for finding in findings({("c", "b"): b"y\n"})] == ["difference"]
