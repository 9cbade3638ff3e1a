"""One engine under the fuzzer: the real load and export, and between them the models' own SQL.

dbt builds the sample once, which leaves the compiled SQL of every model and test in its manifest;
each case runs that SQL, in the order of the DAG, instead of a dbt of its own.
"""

import json
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from support import NO_MESSAGES, PROJECT, ManualClock, load_extract

from exhaust.errors import ExhaustError
from exhaust.extract.folder import read_extract
from exhaust.marts.state import Marts
from exhaust.pipeline.build import build
from exhaust.pipeline.load import load
from exhaust.project.settings import Settings
from exhaust.project.sources import SourceTable, read_sources
from exhaust.reports.export import export
from exhaust.reports.selection import Criteria, Destination
from exhaust.warehouse import Warehouse, connect
from exhaust.warehouse.duckdb import DuckDBWarehouse
from exhaust.warehouse.postgres import PostgresWarehouse

SEEDS = PROJECT / "seeds"
DAY = date(2024, 7, 1)

Keys = list[tuple[str | None, ...]]
Reports = dict[tuple[str, str], bytes]
"""The report files, by course and batch."""


@dataclass
class Outcome:
    """What became of an extract on an engine; equal on all engines, or one of them is wrong."""

    refusal: str | None = None
    """Where and why it was refused."""
    crash: str | None = None
    """The traceback of an error that no user should meet."""
    rows: dict[str, int] = field(default_factory=dict)
    """Rows that the load counted, by table."""
    keys: dict[str, Keys] = field(default_factory=dict)
    """The keys that landed, sorted, by table."""
    found: dict[str, list[Any]] = field(default_factory=dict)
    """What dbt's data tests found, by test: how many, and the names with most of it."""
    reports: Reports = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    """The data tests of models that fail: what is wrong in the data must not show there."""
    unaccounted: list[str] = field(default_factory=list)
    """Rows that are nowhere: what does not add up."""

    def differs_from(self, other: "Outcome") -> list[str]:
        """The names of what is not equal; a crash is a finding of its own."""
        return [name for name in COMPARED if getattr(self, name) != getattr(other, name)]


COMPARED = ("refusal", "rows", "found", "reports", "keys", "broken", "unaccounted")
"""What has to be equal on all engines."""


@dataclass(frozen=True)
class Node:
    """A model or a data test of dbt's, with its compiled SQL."""

    name: str
    sql: str
    relation: str
    is_view: bool
    config: dict[str, Any]
    reads: list[str]
    """The ids of the models and sources that it reads."""

    @property
    def is_early(self) -> bool:
        """Whether it reads nothing but the landing schema and staging."""
        return all(name.startswith(("source.", "model.exhaust.stg_")) for name in self.reads)

    @property
    def is_about_data(self) -> bool:
        """Whether it is about what has landed, and not about what the models make of it."""
        return all(name.startswith("source.") for name in self.reads)

    @property
    def is_warning(self) -> bool:
        return str(self.config["severity"]).lower() == "warn"


class Engine:
    """An engine whose warehouse holds the sample, built."""

    def __init__(self, settings: Settings) -> None:
        load_extract(settings, SEEDS)
        report = build(settings, [], NO_MESSAGES)
        assert not report.failed, report.failed
        self.name = settings.profile.engine
        self._settings = settings
        self._opened: Warehouse | None = None
        self._sources = read_sources(settings.project_dir)
        self.models, self._tests = _nodes(settings)

    def run(self, extract: Path, reports: Path) -> Outcome:
        """Takes an extract through load, build and export, from an empty landing schema."""
        outcome = Outcome()
        try:
            self._reset()
            with _refused(outcome, "load"):
                self._load(extract, outcome)
            if outcome.refusal:
                return outcome
            self._build(outcome)
            if outcome.refusal:
                return outcome
            with _refused(outcome, "export"):
                self._export(reports, outcome)
            if outcome.refusal:
                # Each engine has a folder of its own.
                outcome.refusal = outcome.refusal.replace(str(reports), "reports")
        except Exception:
            outcome.crash = f"on {self.name}: {traceback.format_exc()}"
        return outcome

    def interrupt(self) -> None:
        """Ends what the engine is doing, from another thread: there is an error, then."""
        if isinstance(self._opened, DuckDBWarehouse):
            self._opened._connection.interrupt()
        elif isinstance(self._opened, PostgresWarehouse):
            self._opened._connection.cancel_safe()

    @contextmanager
    def _open(self, writing: bool) -> Iterator[Warehouse]:
        with connect(self._settings.profile, writing=writing, console=NO_MESSAGES) as warehouse:
            self._opened = warehouse
            try:
                yield warehouse
            finally:
                self._opened = None

    def _reset(self) -> None:
        with self._open(writing=True) as warehouse, warehouse.transaction():
            landing = warehouse.identifier(self._settings.landing_schema)
            warehouse.execute(f"drop schema if exists {landing} cascade")
            for model in self.models:
                kind = "view" if model.is_view else "table"
                warehouse.execute(f"drop {kind} if exists {model.relation} cascade")

    def _load(self, folder: Path, outcome: Outcome) -> None:
        extract = read_extract(folder, self._sources)
        with self._open(writing=True) as warehouse:
            report = load(warehouse, self._settings, extract)
            outcome.rows = {table.name: table.rows for table in report.tables}
            outcome.keys = {
                source.name: self._landed_keys(warehouse, source)
                for source in self._sources
                if source.name in outcome.rows
            }
        for name, rows in outcome.rows.items():
            if rows != len(outcome.keys[name]):
                outcome.unaccounted.append(
                    f"{name}: {rows} loaded, {len(outcome.keys[name])} there"
                )
        missing = [source.name for source in self._sources if source.name not in outcome.rows]
        if missing:
            raise ExhaustError(f"never loaded: {', '.join(missing)}")

    def _landed_keys(self, warehouse: Warehouse, source: SourceTable) -> Keys:
        columns = ", ".join(map(warehouse.identifier, source.key))
        table = warehouse.relation(self._settings.landing_schema, source.name)
        return sorted(warehouse.query(f"select {columns} from {table}"), key=repr)

    def _build(self, outcome: Outcome) -> None:
        """Runs models and tests; those of what has landed first, as dbt does."""
        with self._open(writing=True) as warehouse:
            for is_early in (True, False):
                for model in self.models:
                    if model.is_early == is_early:
                        kind = "view" if model.is_view else "table"
                        warehouse.execute(f"create {kind} {model.relation} as {model.sql}")
                failed = [
                    test
                    for test in self._tests
                    if test.is_early == is_early and self._fails(warehouse, test, outcome)
                ]
                outcome.broken += [test.name for test in failed if not test.is_about_data]
                if failed:
                    outcome.refusal = f"build: failed {', '.join(test.name for test in failed)}"
                    return

    def _fails(self, warehouse: Warehouse, test: Node, outcome: Outcome) -> bool:
        """Whether a test fails as an error. What a test of severity warn finds is noted."""
        config = test.config
        calculated = config["fail_calc"]
        ((count, is_error, is_warning),) = warehouse.query(
            f"select {calculated}, {calculated} {config['error_if']}, "
            f"{calculated} {config['warn_if']} from ({test.sql}) as failures"
        )
        is_error = bool(is_error) and not test.is_warning
        if is_error or is_warning:
            outcome.found[test.name] = [int(count), self._named(warehouse, test)]
        return is_error

    def _named(self, warehouse: Warehouse, test: Node) -> list[tuple[Any, ...]]:
        if not test.config.get("store_failures"):
            return []
        rows = warehouse.query(
            "select named, cast(sum(row_count) as bigint) "
            f"from ({test.sql}) as failures group by named"
        )
        return sorted(rows, key=repr)

    def _export(self, folder: Path, outcome: Outcome) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        with self._open(writing=False) as warehouse:
            report = export(
                Marts(warehouse, self._settings),
                Criteria(all_courses=True),
                Destination(folder=folder),
                clock=ManualClock(DAY),
            )
            counted = self._counted(warehouse)
        landed = {key for key in outcome.keys["user_enrolments"] if all(key)}
        if counted != len(landed):
            outcome.unaccounted.append(f"{len(landed)} enrolments landed, {counted} are counted")
        for written in report.files:
            (batch,) = written.batches
            outcome.reports[written.course_id, batch] = Path(written.file).read_bytes()
            there = sum(key[1:] == (written.course_id, batch) for key in landed)
            told = written.rows + sum(written.left_out.values())
            if there != told:
                outcome.unaccounted.append(f"{written.file}: {there} landed, {told} in the receipt")

    def _counted(self, warehouse: Warehouse) -> int:
        """Enrolments that are a row or left out for a reason."""
        batches = warehouse.relation(self._settings.profile.schema, "course_batches")
        columns = warehouse.query(
            "select distinct column_name from information_schema.columns "
            f"where table_schema = {warehouse.literal(self._settings.profile.schema)} "
            "and table_name = 'course_batches' and column_name like 'left_out_%'"
        )
        total = " + ".join(["enrolled", *(name for (name,) in columns)])
        ((counted,),) = warehouse.query(f"select cast(sum({total}) as bigint) from {batches}")
        return counted or 0


def _nodes(settings: Settings) -> tuple[list[Node], list[Node]]:
    """The models in the order of the DAG, and the data tests that read one, of the last build."""
    target = settings.project_dir / settings.environment.get("DBT_TARGET_PATH", "target")
    nodes = json.loads((target / "manifest.json").read_text("utf-8"))["nodes"]
    upstream = {name: node["depends_on"]["nodes"] for name, node in nodes.items()}
    order = [name for name in TopologicalSorter(upstream).static_order() if name in nodes]
    made = {
        name: Node(
            name=nodes[name]["name"],
            sql=nodes[name]["compiled_code"],
            relation=nodes[name]["relation_name"],
            is_view=nodes[name]["config"].get("materialized") == "view",
            config=nodes[name]["config"],
            reads=upstream[name],
        )
        for name in order
        if nodes[name]["resource_type"] in ("model", "test")
    }
    models = [node for name, node in made.items() if name.startswith("model.")]
    tests = [node for name, node in made.items() if name.startswith("test.") and upstream[name]]
    return models, tests


@contextmanager
def _refused(outcome: Outcome, step: str) -> Iterator[None]:
    """Notes an error that a user may meet."""
    try:
        yield
    except ExhaustError as error:
        outcome.refusal = f"{step}: {type(error).__name__}: {error.message} {error.hint or ''}"
