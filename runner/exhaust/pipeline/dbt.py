"""The only module that knows dbt: it runs dbt as a child process and reads what it did."""

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TextIO

from exhaust.console import SILENCE, Console
from exhaust.errors import ExhaustError, UsageError
from exhaust.project.settings import Settings
from exhaust.warehouse import class_of

STORES_FAILURES = ("fail", "warn")
"""The statuses of a test that found something."""
DBT = (
    *(sys.executable, "-P", "-c"),
    "import gc; gc.set_threshold(50_000); from dbt.cli.main import cli; cli(prog_name='dbt')",
)
"""With Python's default, garbage collection takes a seventh of dbt's own time."""
MAX_ERROR_LINES = 20
"""Lines of dbt's output that are shown if it breaks off."""


@dataclass(frozen=True)
class Result:
    """The result of one model, test or hook."""

    name: str
    kind: str
    status: str
    failures: int
    message: str
    description: str
    failure_table: tuple[str, str] | None
    """Schema and name of the table with what a test found."""
    is_kept: bool = False
    """Whether the rows that a test counts are used all the same (its meta `is_kept`)."""


def run_dbt(
    settings: Settings, arguments: Sequence[str], console: Console = SILENCE
) -> list[Result]:
    """Runs a dbt command that works on models, and returns the results in their order.

    Raises UsageError if dbt rejects the arguments, ExhaustError if it breaks off.
    """
    _check_adapter(settings.profile.engine)
    output = _Output(console)
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
            f"dbt does not accept these arguments: {output.error_lines()}",
            "`dbt build --help` lists what can follow `--`.",
        )
    results = _read_json(target / "run_results.json")
    if code not in (0, 1) or results["metadata"].get("invocation_id") != output.invocation_id:
        raise ExhaustError(
            f"dbt broke off: {output.error_lines() or f'exit code {code}, without a message'}",
            f"Its log is {log}.",
        )
    return _read_results(results, _read_json(target / "manifest.json"))


def _check_adapter(engine: str) -> None:
    """Raises UsageError if dbt's adapter for an engine is not installed."""
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
    # A session of its own: Ctrl-C reaches dbt once, from us, and dbt can cancel its queries.
    with (
        _child_log(settings) as log,
        subprocess.Popen(  # noqa: S603
            command,
            cwd=settings.project_dir,
            env=dict(settings.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log or subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        ) as child,
    ):
        start = log.tell() if log else 0
        try:
            for line in child.stdout or ():
                output.take(line)
            code = child.wait()
            if log and not output.invocation_id:
                # dbt failed before it started the engine: these lines are its own.
                log.seek(start)
                output.add_error(log.read())
            return code
        except BaseException:
            child.send_signal(signal.SIGINT)
            try:
                child.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
            raise


@contextmanager
def _child_log(settings: Settings) -> Iterator[TextIO | None]:
    """Opens the file for what the engine prints, which would otherwise mix with dbt's output."""
    log = class_of(settings.profile).child_log(settings.profile)
    if log is None:
        yield None
        return
    log.parent.mkdir(exist_ok=True)
    with log.open("a+", encoding="utf-8", errors="replace") as file:
        yield file


class _Output:
    """Reads dbt's log of JSON lines: its progress and its errors."""

    def __init__(self, console: Console) -> None:
        self.invocation_id: str | None = None
        self._console = console
        self._done = 0
        self._errors: list[str] = []

    def take(self, line: str) -> None:
        try:
            event = json.loads(line)
            info, data = event["info"], event["data"]
        except (ValueError, KeyError, TypeError):
            self.add_error(line)
            return
        self.invocation_id = info.get("invocation_id")
        if info.get("level") == "error":
            self.add_error(info.get("msg", ""))
        node = data.get("node_info") or {}
        total = data.get("total") or data.get("num_models")
        if "index" in data and total and node.get("resource_type") != "operation":
            self._done += node.get("node_status") != "started"
            self._console.progress(node.get("node_name", ""), self._done / total)

    def add_error(self, text: str) -> None:
        self._errors.append(text)

    def error_lines(self) -> str:
        lines = _plain("\n".join(self._errors)).splitlines()
        return "\n".join([line for line in lines if line.strip()][-MAX_ERROR_LINES:]).strip()


def _plain(text: str) -> str:
    """Removes the codes that colour a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _read_json(file: Path) -> dict[str, Any]:
    """Returns an artefact of dbt; one that does not exist has no metadata."""
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
    is_stored = node.get("config", {}).get("store_failures") and result["status"] in STORES_FAILURES
    return Result(
        name=node.get("name") or result["unique_id"],
        kind=kind,
        status=result["status"],
        # A test that fails because of their number reports it as negative.
        failures=abs(result.get("failures") or 0),
        message=_plain(result.get("message") or "").strip(),
        description=" ".join((node.get("description") or "").split()),
        failure_table=(node["schema"], node["alias"]) if is_stored else None,
        is_kept=bool(node.get("config", {}).get("meta", {}).get("is_kept")),
    )
