"""The only module that knows dbt: it runs dbt as a child process and reads what it did."""

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import zip_longest
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

from exhaust.console import SILENCE, Console
from exhaust.errors import DISK_IS_FULL, DiskFull, ExhaustError, UsageError
from exhaust.permissions import make_folder, private_opener, private_umask
from exhaust.pipeline.dbt_locks import ending_long_waits
from exhaust.pipeline.lease import Lease
from exhaust.project.settings import Settings
from exhaust.warehouse import class_of

STORES_FAILURES = ("fail", "warn")
"""The statuses of a test that found something."""
DBT = (sys.executable, "-P", str(Path(__file__).with_name("dbt_child.py")))
OURS = ("--target", "-t", "--profile", "--profiles-dir", "--project-dir")
"""Options that the command gives dbt itself."""
FORMAT = (
    *("--log-format", "json", "--log-level", "info"),
    *("--no-quiet", "--no-use-colors", "--write-json"),
)
"""What `run_dbt` reads, whatever else was asked for: of contradicting options the last counts."""
KEPT = ("DBT_TARGET_PATH", "DBT_LOG_PATH", "DBT_PACKAGES_INSTALL_PATH")
KEPT_PREFIXES = ("DBT_ENV_SECRET", "DBT_ENV_CUSTOM_ENV_")
"""Variables of dbt's that a user may set, besides those that the profile reads."""
LOCKED = ("Could not set lock on file", "Another instance of Derby may have already booted")
"""What engines say if another process holds the warehouse."""
NO_LEASE = Lease()
CANCEL_SECONDS = 10
"""How long dbt has to cancel its queries when the command is interrupted."""
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


@dataclass(frozen=True)
class Run:
    """An invocation of dbt that ended; `results` are in their order."""

    invocation_id: str
    results: list[Result]


class WarehouseLocked(Exception):
    """dbt could not open the warehouse, because another process holds it."""


def run_dbt(
    settings: Settings,
    arguments: Sequence[str],
    console: Console = SILENCE,
    lease: Lease = NO_LEASE,
) -> Run:
    """Runs a dbt command that works on models; the child process shares the lease.

    Raises UsageError if dbt rejects the arguments, WarehouseLocked, ExhaustError if it breaks off.
    """
    _check_adapter(settings.profile.engine)
    _check_arguments(arguments)
    output = _Output(console)
    target = target_path(settings, arguments)
    log = _path(settings, arguments, "--log-path", "DBT_LOG_PATH", "logs") / "dbt.log"
    with _profiles_dir(settings) as profiles_dir:
        command = [
            *DBT,
            *arguments,
            *("--project-dir", str(settings.project_dir)),
            *("--profiles-dir", str(profiles_dir)),
            *("--target", settings.profile.target),
            *("--target-path", str(target)),
            *("--log-path", str(log.parent)),
            *FORMAT,
        ]
        waits = partial(ending_long_waits, settings.profile, console)
        code = _run_child(command, settings, output, lease, waits)
    _check_room(output, [target, log.parent])
    if not output.invocation_id and code == 2 and arguments[1:]:
        raise UsageError(
            f"dbt does not accept these arguments: {output.error_lines()}",
            "`dbt build --help` lists what can follow `--`.",
        )
    if not output.invocation_id and code == 0:
        raise UsageError(
            "dbt built nothing: these arguments ask for something else.",
            "`dbt build --help` lists what can follow `--`.",
        )
    results = _read_json(target / "run_results.json")
    if code not in (0, 1) or results["metadata"].get("invocation_id") != output.invocation_id:
        if any(words in output.error_lines() for words in LOCKED):
            raise WarehouseLocked
        raise ExhaustError(
            f"dbt broke off: {output.error_lines() or f'exit code {code}, without a message'}",
            f"Its log is {log}.",
        )
    manifest = _read_json(target / "manifest.json")
    return Run(output.invocation_id or "", _read_results(results, manifest))


def install_packages(settings: Settings, console: Console = SILENCE) -> None:
    """Installs the packages of a project, as `dbt deps` does.

    Raises ExhaustError with dbt's message if it fails.
    """
    output = _Output(console)
    log = _path(settings, (), "--log-path", "DBT_LOG_PATH", "logs")
    command = [
        *(*DBT, "deps", "--project-dir", str(settings.project_dir)),
        *("--log-path", str(log), *FORMAT),
    ]
    code = _run_child(command, settings, output)
    _check_room(output, [settings.project_dir, log])
    if code:
        raise ExhaustError(
            f"dbt could not install the packages of {settings.project_dir}: {output.error_lines()}",
            "Correct packages.yml. `exhaust init` corrects the path of an earlier installation.",
        )


def _check_room(output: "_Output", folders: Sequence[Path]) -> None:
    """Raises DiskFull if dbt, or the warehouse, could not write because a disk is full."""
    if line := output.line_with(DISK_IS_FULL):
        places = ", ".join(map(str, folders))
        raise DiskFull(
            f"dbt, which writes to {places} and the warehouse, failed: {line}",
            "Free some space and run the command again.",
        )


def target_path(settings: Settings, arguments: Sequence[str] = ()) -> Path:
    """Returns the folder for dbt's artefacts.

    It is not dbt's own: builds of other targets, and plain dbt, may run in the project meanwhile.
    """
    own = f"target/exhaust/{quote(settings.profile.target, safe='')}"
    return _path(settings, arguments, "--target-path", "DBT_TARGET_PATH", own)


def variables_in(arguments: Sequence[str]) -> dict[str, Any]:
    """Returns the variables that arguments for dbt set. Raises UsageError if it is not a map."""
    import yaml

    text = _option(arguments, "--vars")
    try:
        variables = yaml.safe_load(text or "{}")
    except yaml.YAMLError:
        variables = None
    if not isinstance(variables, dict):
        raise UsageError(
            f"--vars has to be a map of variables, not `{text}`.",
            "For example: exhaust build -- --vars 'report_timezone: Asia/Kolkata'",
        )
    return variables


def _option(arguments: Sequence[str], name: str) -> str | None:
    """Returns the value of an option among arguments; the last one counts, as for dbt."""
    value = None
    for argument, following in zip_longest(arguments, arguments[1:]):
        if argument == name:
            value = following
        elif argument.startswith(f"{name}="):
            value = argument.partition("=")[2]
    return value


def _path(
    settings: Settings, arguments: Sequence[str], option: str, variable: str, default: str
) -> Path:
    given = _option(arguments, option) or settings.environment.get(variable) or default
    return settings.work_dir / given


def _check_arguments(arguments: Sequence[str]) -> None:
    """Raises UsageError for options that the command gives dbt itself."""
    for argument in arguments:
        name = argument.partition("=")[0]
        if name in OURS:
            raise UsageError(
                f"`{name}` cannot follow `--`.",
                "Give --target, --profiles-dir and --project-dir before `--`.",
            )


def _environment(settings: Settings, lease: Lease) -> dict[str, str]:
    """Returns the environment of dbt: none of its own settings, and none of our secrets."""
    kept = {
        name: value
        for name, value in settings.environment.items()
        if not name.startswith(("DBT_", "EXHAUST_"))
        or name in (*KEPT, *settings.profile.environment)
        or name.startswith(KEPT_PREFIXES)
    }
    return {**kept, "PGCLIENTENCODING": "UTF8", **lease.environment}


def _check_adapter(engine: str) -> None:
    """Raises UsageError if dbt's adapter for an engine is not installed."""
    try:
        version(f"dbt-{engine}")
    except PackageNotFoundError as error:
        raise UsageError(
            f"A build on {engine} needs dbt-{engine}, which is not installed.",
            f"Install it: pip install 'dbt-{engine}>=1.11,<1.12'",
        ) from error


@contextmanager
def _profiles_dir(settings: Settings) -> Iterator[Path]:
    if not settings.uses_example:
        yield settings.profiles_file.parent
        return
    with tempfile.TemporaryDirectory(prefix="exhaust-") as folder:
        shutil.copy(settings.profiles_file, Path(folder) / "profiles.yml")
        yield Path(folder)


def _run_child(
    command: Sequence[str],
    settings: Settings,
    output: "_Output",
    lease: Lease = NO_LEASE,
    waits: Callable[[Callable[[], None]], AbstractContextManager[None]] | None = None,
) -> int:
    # A session of its own: Ctrl-C reaches dbt once, from us, and dbt can cancel its queries.
    with (
        _child_log(settings) as log,
        subprocess.Popen(  # noqa: S603
            command,
            cwd=settings.work_dir,
            env=_environment(settings, lease),
            pass_fds=lease.descriptors,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log or subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            umask=private_umask(),
        ) as child,
        waits(partial(_interrupt, child)) if waits else nullcontext(),
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
            _interrupt(child)
            if child.stdout:
                child.stdout.read()
            raise


def _interrupt(child: "subprocess.Popen[str]") -> None:
    """Lets dbt cancel its queries, and ends it if that takes long."""
    assert child.stdin  # noqa: S101
    child.send_signal(signal.SIGINT)
    # It ends with its standard input, at the latest.
    end_of_input = threading.Timer(CANCEL_SECONDS, child.stdin.close)
    end_of_input.daemon = True
    end_of_input.start()


@contextmanager
def _child_log(settings: Settings) -> Iterator[TextIO | None]:
    """Opens the file for what the engine prints, which would otherwise mix with dbt's output."""
    log = class_of(settings.profile).child_log(settings.profile)
    if log is None:
        yield None
        return
    make_folder(log.parent, is_private=True)
    with open(log, "a+", encoding="utf-8", errors="replace", opener=private_opener) as file:
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

    def line_with(self, texts: Sequence[str]) -> str | None:
        """Returns the first line of an error that has one of these texts."""
        lines = _plain("\n".join(self._errors)).splitlines()
        return next((line.strip() for line in lines if any(one in line for one in texts)), None)

    def error_lines(self) -> str:
        lines = _plain("\n".join(self._errors)).splitlines()
        return "\n".join([line for line in lines if line.strip()][-MAX_ERROR_LINES:]).strip()


def _plain(text: str) -> str:
    """Removes the codes that colour a terminal, and the frames of Java's stack traces."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return re.sub(r"^[ \t]+(at \S+\(.*\)|\.\.\. \d+ more)$\n?", "", text, flags=re.MULTILINE)


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
