"""The one module that knows dbt: runs it as a child process and says in plain words what it did."""

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TextIO

from exhaust.cli.display import Progress
from exhaust.errors import DataError, ExhaustError, UsageError
from exhaust.project.settings import Settings
from exhaust.project.sources import read_sources
from exhaust.warehouse import Warehouse, connect

FOUND = ("fail", "warn")
FAILED = ("error", "fail", "runtime error", "partial success")
NAMED = 5
"""How many things are named of those that were set aside."""
NAMED_IF_FAILED = 50
"""How many are named of those that failed a test."""
DBT = (
    *(sys.executable, "-P", "-c"),
    "import gc; gc.set_threshold(50_000); from dbt.cli.main import cli; cli(prog_name='dbt')",
)
"""By its default, Python's search for cycles to free takes a seventh of the time of dbt itself."""
LAST_WORDS = 20
"""How many lines of a dbt that broke off are passed on."""


@dataclass(frozen=True)
class Result:
    """What became of one model, test or hook."""

    name: str
    kind: str
    status: str
    failures: int
    message: str
    description: str
    failure_table: tuple[str, str] | None
    """Schema and name of the table that holds what a test found."""


@dataclass(frozen=True)
class Failure:
    name: str
    description: str
    message: str
    named: list[str]
    """The first of what a test found wrong."""


@dataclass(frozen=True)
class SetAside:
    """Rows that a rule of the report leaves out, found by a test of severity warn."""

    test: str
    reason: str
    rows: int
    named: dict[str, int]
    """The courses, batches or columns with most of the rows, and how many."""
    others: int
    """How many more there are."""


@dataclass(frozen=True)
class BuildReport:
    models: int
    tests: int
    """Built, and passed (also with a warning)."""
    skipped: int
    """Models and tests that were not reached."""
    failed: list[Failure]
    set_aside: list[SetAside]


def build(
    settings: Settings,
    arguments: Sequence[str],
    *,
    notify: Callable[[str], None],
    progress: Progress,
) -> BuildReport:
    """Builds and tests the models; `arguments` go to `dbt build`.

    Raises DataError if nothing is loaded, Busy or NoConnection if the warehouse cannot be had,
    ExhaustError if dbt broke off. What failed is in the report.
    """
    with connect(settings.profile, writing=False, notify=notify) as warehouse:
        _check_loaded(warehouse, settings)
    # dbt does not wait for a DuckDB file that somebody reads; this does.
    connect(settings.profile, writing=True, notify=notify).close()
    # Unit tests are about the models, not about the data: `dbt build` and CI run them.
    of_the_data = ["build", "--exclude-resource-type", "unit_test"]
    results = run_dbt(settings, [*of_the_data, *arguments], progress)
    with connect(settings.profile, writing=False, notify=notify) as warehouse:
        return _report(results, warehouse)


def _check_loaded(warehouse: Warehouse, settings: Settings) -> None:
    loaded = warehouse.tables(settings.landing_schema)
    missing = [
        table.name for table in read_sources(settings.project_dir) if table.name not in loaded
    ]
    hint = "Load an extract with `exhaust load DIR`."
    if not loaded:
        raise DataError(
            f"Nothing is loaded: {warehouse.name} has no table in the schema "
            f"{settings.landing_schema}.",
            hint,
        )
    if missing:
        raise DataError(
            f"These tables were never loaded into {warehouse.name}: {', '.join(missing)}.",
            f"{hint} An empty table will do.",
        )


def _report(results: Sequence[Result], warehouse: Warehouse) -> BuildReport:
    done = Counter(
        result.kind for result in results if result.status in ("success", "pass", "warn")
    )
    return BuildReport(
        models=done["model"],
        tests=done["test"],
        skipped=sum(result.status == "skipped" for result in results),
        failed=[
            Failure(
                result.name,
                result.description,
                result.message,
                [name for name, _, _ in _named(result, warehouse, NAMED_IF_FAILED)],
            )
            for result in results
            if result.status in FAILED
        ],
        set_aside=[_set_aside(result, warehouse) for result in results if result.status == "warn"],
    )


def _named(result: Result, warehouse: Warehouse, most: int) -> list[tuple[Any, ...]]:
    """What a test found most of: its name, its rows, and how many names there are."""
    if result.failure_table is None:
        return []
    return warehouse.query(
        "select named, sum(row_count) as rows_named, count(*) over () "
        f"from {warehouse.relation(*result.failure_table)} where named is not null "
        f"group by named order by rows_named desc, named limit {most}"
    )


def _set_aside(result: Result, warehouse: Warehouse) -> SetAside:
    named = _named(result, warehouse, NAMED)
    return SetAside(
        test=result.name,
        reason=result.description or result.name,
        rows=result.failures,
        named={name: int(rows) for name, rows, _ in named},
        others=named[0][2] - len(named) if named else 0,
    )


def run_dbt(
    settings: Settings, arguments: Sequence[str], progress: Progress = lambda *_: None
) -> list[Result]:
    """Runs a dbt command that works on models, and gives the results in their order.

    Raises UsageError if dbt refuses the arguments, ExhaustError if it broke off.
    """
    _check_adapter(settings.profile.engine)
    output = _Output(progress)
    with _profiles_dir(settings) as profiles_dir:
        command = [
            *DBT,
            *arguments[:1],
            *("--profiles-dir", str(profiles_dir)),
            *("--target", settings.profile.target),
            *("--log-format", "json"),
            "--no-use-colors",
            *arguments[1:],
        ]
        code = _run_child(command, settings, output)
    target = settings.project_dir / settings.environment.get("DBT_TARGET_PATH", "target")
    log = settings.project_dir / settings.environment.get("DBT_LOG_PATH", "logs") / "dbt.log"
    if not output.invocation_id and code == 2 and arguments[1:]:
        raise UsageError(
            f"dbt does not take these arguments: {output.last_words()}",
            "`dbt build --help` lists what can stand after `--`.",
        )
    results = _read_json(target / "run_results.json")
    if code not in (0, 1) or results["metadata"].get("invocation_id") != output.invocation_id:
        raise ExhaustError(
            f"dbt broke off: {output.last_words() or f'exit code {code}, without a word'}",
            f"Its log is {log}.",
        )
    return _read_results(results, _read_json(target / "manifest.json"))


def _check_adapter(engine: str) -> None:
    """UsageError if dbt cannot work on an engine that is an extra."""
    try:
        version(f"dbt-{engine}")
    except PackageNotFoundError as error:
        raise UsageError(
            f"A build on {engine} needs dbt-{engine}, which is not installed.",
            f"Install it: pip install -e '.[{engine}]'",
        ) from error


@contextmanager
def _profiles_dir(settings: Settings) -> Iterator[Path]:
    if not settings.uses_example:
        yield settings.profiles_dir
        return
    with tempfile.TemporaryDirectory(prefix="exhaust-") as folder:
        shutil.copy(settings.project_dir / "profiles.example.yml", Path(folder) / "profiles.yml")
        yield Path(folder)


def _run_child(command: Sequence[str], settings: Settings, output: "_Output") -> int:
    # A session of its own: Ctrl-C reaches dbt once, by us, and it can cancel what it runs.
    with (
        _noise(settings) as noise,
        subprocess.Popen(  # noqa: S603
            command,
            cwd=settings.project_dir,
            env=dict(settings.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=noise or subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as child,
    ):
        begin = noise.tell() if noise else 0
        try:
            for line in child.stdout or ():
                output.take(line)
            code = child.wait()
            if noise and not output.invocation_id:
                # dbt did not come to start Spark: these are its own words.
                noise.seek(begin)
                output.complain(noise.read())
            return code
        except BaseException:
            child.send_signal(signal.SIGINT)
            try:
                child.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
            raise


@contextmanager
def _noise(settings: Settings) -> Iterator[TextIO | None]:
    """The file of what Spark has to say, which else comes between dbt's own words."""
    if settings.profile.engine != "spark":
        yield None
        return
    from exhaust.warehouse.spark.session import spark_log

    log = spark_log(settings.profile)
    log.parent.mkdir(exist_ok=True)
    with log.open("a+", encoding="utf-8", errors="replace") as file:
        yield file


class _Output:
    """Reads dbt's log of JSON lines: how far it is, and what it complains of."""

    def __init__(self, progress: Progress) -> None:
        self.invocation_id: str | None = None
        self._progress = progress
        self._done = 0
        self._complaints: list[str] = []

    def take(self, line: str) -> None:
        try:
            event = json.loads(line)
            info, data = event["info"], event["data"]
        except (ValueError, KeyError, TypeError):
            self.complain(line)
            return
        self.invocation_id = info.get("invocation_id")
        if info.get("level") == "error":
            self.complain(info.get("msg", ""))
        node = data.get("node_info") or {}
        total = data.get("total") or data.get("num_models")
        if "index" in data and total and node.get("resource_type") != "operation":
            self._done += node.get("node_status") != "started"
            self._progress(node.get("node_name", ""), self._done / total)

    def complain(self, text: str) -> None:
        self._complaints.append(text)

    def last_words(self) -> str:
        lines = _plain("\n".join(self._complaints)).splitlines()
        return "\n".join([line for line in lines if line.strip()][-LAST_WORDS:]).strip()


def _plain(text: str) -> str:
    """Without the codes that colour a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _read_json(file: Path) -> dict[str, Any]:
    """An artefact of dbt; one that is not there has no metadata."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {"metadata": {}}
    return content if isinstance(content, dict) else {"metadata": {}}


def _read_results(results: dict[str, Any], manifest: dict[str, Any]) -> list[Result]:
    nodes = {**manifest.get("nodes", {}), **manifest.get("unit_tests", {})}
    return [
        _read_result(result, nodes.get(result["unique_id"], {})) for result in results["results"]
    ]


def _read_result(result: dict[str, Any], node: dict[str, Any]) -> Result:
    kind, *_ = result["unique_id"].split(".")
    is_stored = node.get("config", {}).get("store_failures") and result["status"] in FOUND
    return Result(
        name=node.get("name") or result["unique_id"],
        kind=kind,
        status=result["status"],
        # A test that fails by how many there are, and not by any, gives them as negative.
        failures=abs(result.get("failures") or 0),
        message=_plain(result.get("message") or "").strip(),
        description=" ".join((node.get("description") or "").split()),
        failure_table=(node["schema"], node["alias"]) if is_stored else None,
    )
