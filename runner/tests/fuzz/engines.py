"""Runs an engine for the fuzzer: the real load and export, and the compiled SQL of the models.

dbt builds the sample once, which leaves the compiled SQL of every model and test in its manifest.
Each case runs that SQL in the order of the DAG instead of starting dbt.
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
from exhaust.pipeline.dbt import target_path
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
"""The report files by course and batch."""


class Refusal(Exception):
    """The extract was refused: where and why."""


@dataclass
class Outcome:
    """The result of an extract on an engine. It must be equal on all engines."""

    refusal: str | None = None
    """Where and why the extract was refused."""
    crash: str | None = None
    """The traceback of an error that no user should see."""
    rows: dict[str, int] = field(default_factory=dict)
    """Rows that the load counted, by table."""
    keys: dict[str, Keys] = field(default_factory=dict)
    """The sorted keys that landed, by table."""
    test_results: dict[str, list[Any]] = field(default_factory=dict)
    """What dbt's data tests found, by test: the count, and the rows per name."""
    reports: Reports = field(default_factory=dict)
    failed_model_tests: list[str] = field(default_factory=list)
    """Failed data tests of models. Errors in the data must not make these fail."""
    unaccounted: list[str] = field(default_factory=list)
    """Rows that are missing from the counts."""

    def differs_from(self, other: "Outcome") -> list[str]:
        """Returns the names of attributes that differ. A crash is a separate finding."""
        return [name for name in COMPARED if getattr(self, name) != getattr(other, name)]


COMPARED = (
    "refusal",
    "rows",
    "test_results",
    "reports",
    "keys",
    "failed_model_tests",
    "unaccounted",
)
"""What must be equal on all engines."""


@dataclass(frozen=True)
class Node:
    """A model or a data test of dbt, with its compiled SQL."""

    name: str
    sql: str
    relation: str
    is_view: bool
    config: dict[str, Any]
    upstream: list[str]
    """The IDs of the models and sources that it reads."""

    @property
    def reads_only_staging(self) -> bool:
        """Whether it reads only the landing schema and staging."""
        return all(name.startswith(("source.", "model.exhaust.stg_")) for name in self.upstream)

    @property
    def tests_landed_data(self) -> bool:
        """Whether it tests the landed data, not the result of a model."""
        return all(name.startswith("source.") for name in self.upstream)

    @property
    def is_warning(self) -> bool:
        return str(self.config["severity"]).lower() == "warn"


class Engine:
    """An engine with a warehouse in which the sample is built."""

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
            with _refusing("load"):
                self._load(extract, outcome)
            self._build(outcome)
            with _refusing("export"):
                self._export(reports, outcome)
        except Refusal as refusal:
            # Each engine has its own folder.
            outcome.refusal = str(refusal).replace(str(reports), "reports")
        except Exception:
            outcome.crash = f"on {self.name}: {traceback.format_exc()}"
        return outcome

    def interrupt(self) -> None:
        """Interrupts the engine from another thread. The engine then raises an error."""
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
                    f"{name}: {rows} loaded, {len(outcome.keys[name])} in landing"
                )
        missing = [source.name for source in self._sources if source.name not in outcome.rows]
        if missing:
            raise ExhaustError(f"never loaded: {', '.join(missing)}")

    def _landed_keys(self, warehouse: Warehouse, source: SourceTable) -> Keys:
        columns = ", ".join(map(warehouse.identifier, source.key))
        table = warehouse.relation(self._settings.landing_schema, source.name)
        return sorted(warehouse.query(f"select {columns} from {table}"), key=repr)

    def _build(self, outcome: Outcome) -> None:
        """Runs models and tests. Tests of landing and staging run first, as with dbt."""
        with self._open(writing=True) as warehouse:
            for reads_only_staging in (True, False):
                for model in self.models:
                    if model.reads_only_staging == reads_only_staging:
                        kind = "view" if model.is_view else "table"
                        warehouse.execute(f"create {kind} {model.relation} as {model.sql}")
                failed = [
                    test
                    for test in self._tests
                    if test.reads_only_staging == reads_only_staging
                    and self._fails(warehouse, test, outcome)
                ]
                outcome.failed_model_tests += [
                    test.name for test in failed if not test.tests_landed_data
                ]
                if failed:
                    raise Refusal(f"build: failed {', '.join(test.name for test in failed)}")

    def _fails(self, warehouse: Warehouse, test: Node, outcome: Outcome) -> bool:
        """Whether a test fails as an error. Results of tests with severity `warn` are recorded."""
        config = test.config
        calculated = config["fail_calc"]
        ((count, is_error, is_warning),) = warehouse.query(
            f"select {calculated}, {calculated} {config['error_if']}, "
            f"{calculated} {config['warn_if']} from ({test.sql}) as failures"
        )
        fails = bool(is_error) and not test.is_warning
        if fails or is_warning:
            outcome.test_results[test.name] = [int(count), self._names_found(warehouse, test)]
        return fails

    def _names_found(self, warehouse: Warehouse, test: Node) -> list[tuple[Any, ...]]:
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
            counted_rows = self._counted_enrolments(warehouse)
        landed = {key for key in outcome.keys["user_enrolments"] if all(key)}
        if counted_rows != len(landed):
            outcome.unaccounted.append(
                f"{len(landed)} enrolments landed, {counted_rows} are counted"
            )
        for written in report.files:
            (batch,) = written.batches
            outcome.reports[written.course_id, batch] = Path(written.file).read_bytes()
            in_landing = sum(key[1:] == (written.course_id, batch) for key in landed)
            in_receipt = written.rows + sum(written.left_out.values())
            if in_landing != in_receipt:
                outcome.unaccounted.append(
                    f"{written.file}: {in_landing} landed, {in_receipt} in the receipt"
                )

    def _counted_enrolments(self, warehouse: Warehouse) -> int:
        """Returns how many enrolments are reported or left out for a reason."""
        batches = warehouse.relation(self._settings.profile.schema, "course_batches")
        columns = warehouse.query(
            "select distinct column_name from information_schema.columns "
            f"where table_schema = {warehouse.literal(self._settings.profile.schema)} "
            "and table_name = 'course_batches' and column_name like 'left_out_%'"
        )
        total = " + ".join(["enrolled", *(name for (name,) in columns)])
        ((counted_rows,),) = warehouse.query(f"select cast(sum({total}) as bigint) from {batches}")
        return counted_rows or 0


def _nodes(settings: Settings) -> tuple[list[Node], list[Node]]:
    """Returns the models of the last build in DAG order, and the data tests with dependencies."""
    nodes = json.loads((target_path(settings) / "manifest.json").read_text("utf-8"))["nodes"]
    upstream = {name: node["depends_on"]["nodes"] for name, node in nodes.items()}
    order = [name for name in TopologicalSorter(upstream).static_order() if name in nodes]
    nodes_by_id = {
        name: Node(
            name=nodes[name]["name"],
            sql=nodes[name]["compiled_code"],
            relation=nodes[name]["relation_name"],
            is_view=nodes[name]["config"].get("materialized") == "view",
            config=nodes[name]["config"],
            upstream=upstream[name],
        )
        for name in order
        if nodes[name]["resource_type"] in ("model", "test")
    }
    models = [node for name, node in nodes_by_id.items() if name.startswith("model.")]
    tests = [
        node for name, node in nodes_by_id.items() if name.startswith("test.") and upstream[name]
    ]
    return models, tests


@contextmanager
def _refusing(step: str) -> Iterator[None]:
    """Raises Refusal for an error that a user may see."""
    try:
        yield
    except ExhaustError as error:
        message = f"{step}: {type(error).__name__}: {error.message} {error.hint or ''}"
        raise Refusal(message) from error
