"""What several tests do: load an extract, export all of it."""

import io
import multiprocessing
import secrets
from collections.abc import Callable
from datetime import date
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from exhaust.export import ExportReport, Request, export
from exhaust.extract.folder import read_extract
from exhaust.load import load
from exhaust.settings import Settings
from exhaust.sources import read_sources
from exhaust.sql import identifier
from exhaust.warehouse import Warehouse, connect

PROJECT = Path(__file__).resolve().parents[2]
EXTRACTS = Path(__file__).parent / "extracts"

Built = Callable[[Path], Settings]
"""What the fixture `built` gives."""


def relation(schema: str, table: str) -> str:
    """The full name of a table of DuckDB or Postgres."""
    return f"{identifier(schema, 'postgres')}.{identifier(table, 'postgres')}"


def raw_tables() -> dict[str, dict[str, Any]]:
    """What the macro `raw_tables` says of each table: key, columns, and those of each kind."""
    captured: list[dict[str, dict[str, Any]]] = []
    environment = jinja2.Environment()
    environment.globals["return"] = captured.append
    file = PROJECT / "macros" / "staging" / "raw_tables.sql"
    template = environment.from_string(file.read_text())
    template.module.raw_tables()
    return captured[0]


def no_progress(what: str, share: float) -> None:
    pass


def load_extract(settings: Settings, folder: Path) -> None:
    extract = read_extract(folder, read_sources(settings.project_dir))
    with connect(settings.profile, writing=True, notify=pytest.fail) as warehouse:
        load(warehouse, settings, extract, no_progress)


def export_all(settings: Settings, folder: Path, day: date) -> ExportReport:
    """Every batch of every course, as of that day."""
    with connect(settings.profile, writing=False, notify=pytest.fail) as warehouse:
        return export(
            warehouse,
            settings,
            Request(all_courses=True, output_dir=folder),
            standard_output=io.BytesIO(),
            notify=pytest.fail,
            progress=no_progress,
            today=lambda zone: day,
        )


def new_processes() -> ForkServerContext:
    """Makes processes that share nothing with the tests', and begin at once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["exhaust.requests", "exhaust.warehouse.postgres", "pytest"])
    return context


class Spark:
    """One metastore for all tests, each of which has schemas of its own there. This process holds
    its session, as to open one takes seconds, but while a child needs the metastore."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: Warehouse | None = None

    def new_profile(self) -> Path:
        """The folder of a profile with a schema of its own."""
        profiles = yaml.safe_load((PROJECT / "profiles.example.yml").read_text("utf-8"))
        output = profiles["exhaust"]["outputs"]["spark"]
        output["schema"] = f"exhaust_{secrets.token_hex(6)}"
        output["server_side_parameters"] |= {
            "spark.sql.warehouse.dir": str(self._folder / "warehouse"),
            "spark.hadoop.javax.jdo.option.ConnectionURL": (
                f"jdbc:derby:;databaseName={self._folder / 'metastore'};create=true"
            ),
            "spark.sql.shuffle.partitions": "2",
        }
        # Tests end before the thorough compiler's work would be worth its time; without it Java
        # has a fifth of the room for compiled code, and a build may fill it.
        output["server_side_parameters"]["spark.driver.extraJavaOptions"] += (
            " -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC"
        )
        profiles["exhaust"]["outputs"] = {"spark": output}
        profiles["exhaust"]["target"] = "spark"
        folder = self._folder / output["schema"]
        folder.mkdir()
        (folder / "profiles.yml").write_text(yaml.safe_dump(profiles), "utf-8")
        return folder

    def hold(self, settings: Settings) -> None:
        if self._held is None:
            self._held = connect(settings.profile, writing=True, notify=pytest.fail)

    def release(self) -> None:
        if self._held is not None:
            self._held.close()
        self._held = None
