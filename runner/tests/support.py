"""Helpers of several folders of tests: paths, consoles, clocks, processes, a load, an export."""

import multiprocessing
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from multiprocessing.context import ForkServerContext
from pathlib import Path
from time import monotonic
from typing import Any

import jinja2
import yaml

from exhaust.console import Clock
from exhaust.extract.folder import read_extract
from exhaust.marts.state import open_marts
from exhaust.pipeline.build import BuildReport
from exhaust.pipeline.load import load
from exhaust.project.settings import Settings
from exhaust.project.sources import read_sources
from exhaust.project.sql import identifier
from exhaust.reports.export import ExportReport, export
from exhaust.reports.selection import Criteria, Destination
from exhaust.warehouse import Warehouse, connect

PROJECT = Path(__file__).resolve().parents[2]
EXTRACTS = Path(__file__).parent / "extracts"
GOLDEN = Path(__file__).parent / "golden"
SCENARIOS = {
    "sample": PROJECT / "seeds",
    "hostile": EXTRACTS / "hostile",
    "broken": EXTRACTS / "broken",
}
"""The extracts that have golden report files."""

RunExport = Callable[..., ExportReport]
"""The fixture `run_export`: exports from handmade marts."""

NewSettings = Callable[[str], Settings]
"""The fixture `new_settings`: makes an empty warehouse of an engine."""

Built = Callable[[Path], Settings]
"""The fixture `built`: loads and builds an extract, once."""

BuildMarts = Callable[[Settings], BuildReport]
"""The fixture `build_marts`: builds what is loaded."""


def relation(schema: str, table: str) -> str:
    """Returns the full name of a table on DuckDB or Postgres as SQL."""
    return f"{identifier(schema, 'postgres')}.{identifier(table, 'postgres')}"


def raw_tables() -> dict[str, dict[str, Any]]:
    """Returns what the macro `raw_tables` lists per table: key, columns, and those of each kind."""
    captured: list[dict[str, dict[str, Any]]] = []
    environment = jinja2.Environment()
    environment.globals["return"] = captured.append
    file = PROJECT / "macros" / "staging" / "raw_tables.sql"
    template = environment.from_string(file.read_text())
    vars(template.module)["raw_tables"]()
    return captured[0]


class RecordingConsole:
    """Keeps its messages and shares of progress."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.shares: list[float] = []

    def say(self, message: str) -> None:
        self.messages.append(message)

    def progress(self, what: str, share: float) -> None:
        self.shares.append(share)


class SilentConsole:
    """Fails a test when it gets a message."""

    def say(self, message: str) -> None:
        raise AssertionError(message)

    def progress(self, what: str, share: float) -> None:
        pass


NO_MESSAGES = SilentConsole()


class CallingConsole(SilentConsole):
    """Passes its progress to a function."""

    def __init__(self, call: Callable[[str, float], object]) -> None:
        self._call = call

    def progress(self, what: str, share: float) -> None:
        self._call(what, share)


class ManualClock(Clock):
    """A clock that moves only when a test moves it, or sleeps."""

    def __init__(
        self, day: date = date(2026, 11, 23), on_sleep: Callable[[], object] = lambda: None
    ) -> None:
        self.time = datetime.combine(day, time(10), UTC)
        self.slept = 0.0
        self._on_sleep = on_sleep

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self._on_sleep()

    def pass_by(self, duration: timedelta) -> None:
        self.time += duration


def load_extract(settings: Settings, folder: Path) -> None:
    extract = read_extract(folder, read_sources(settings.project_dir))
    with connect(settings.profile, writing=True, console=NO_MESSAGES) as warehouse:
        load(warehouse, settings, extract)


def export_all(settings: Settings, folder: Path, day: date) -> ExportReport:
    """Exports every batch of every course; `day` is the date in the file names."""
    with open_marts(settings, NO_MESSAGES) as marts:
        return export(
            marts,
            Criteria(all_courses=True),
            Destination(folder=folder),
            NO_MESSAGES,
            ManualClock(day),
        )


def new_processes() -> ForkServerContext:
    """Returns a context whose processes share nothing with the tests, and start quickly."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["exhaust.requests.worker", "exhaust.warehouse.postgres", "pytest"]
    )
    return context


class Spark:
    """One metastore for all tests; each test has its own schemas in it.

    This process keeps the session open, because opening one takes seconds. It releases the session
    while a child process needs the metastore.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: Warehouse | None = None

    def new_profile(self) -> Path:
        """Returns the folder of a new profile with its own schema."""
        profiles = yaml.safe_load((PROJECT / "profiles.example.yml").read_text("utf-8"))
        output = profiles["exhaust"]["outputs"]["spark"]
        schema = f"exhaust_{secrets.token_hex(6)}"
        output["schema"] = schema
        output["server_side_parameters"] |= {
            "spark.sql.warehouse.dir": str(self._folder / "warehouse"),
            "spark.hadoop.javax.jdo.option.ConnectionURL": (
                f"jdbc:derby:;databaseName={self._folder / 'metastore'};create=true"
            ),
            "spark.sql.shuffle.partitions": "2",
        }
        # Tests are too short for Java's second compiler to pay off. Without it, Java reserves a
        # fifth of the code cache, which a build may fill, so the size is set.
        output["server_side_parameters"]["spark.driver.extraJavaOptions"] += (
            " -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC"
        )
        profiles["exhaust"]["outputs"] = {"spark": output}
        profiles["exhaust"]["target"] = "spark"
        folder = self._folder / schema
        folder.mkdir()
        (folder / "profiles.yml").write_text(yaml.safe_dump(profiles), "utf-8")
        return folder

    def hold(self, settings: Settings) -> None:
        if self._held is None:
            self._held = connect(settings.profile, writing=True, console=NO_MESSAGES)

    def release(self) -> None:
        if self._held is not None:
            self._held.close()
        self._held = None


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Waits for a condition, but not for ever."""
    deadline = monotonic() + seconds
    while not condition():
        assert monotonic() < deadline
        threading.Event().wait(0.01)


def files(folder: Path) -> dict[str, str]:
    """Returns the texts of the files in a folder by name."""
    return {file.name: file.read_bytes().decode() for file in folder.iterdir()}


def reports(folder: Path) -> dict[str, str]:
    """Returns the texts of the reports in a folder; each must have a receipt."""
    found = files(folder)
    reports = {name: text for name, text in found.items() if not name.endswith(".receipt.json")}
    assert found.keys() - reports.keys() == {f"{name}.receipt.json" for name in reports}
    return reports
