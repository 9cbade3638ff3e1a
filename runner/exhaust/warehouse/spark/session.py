"""The Spark session of this process.

It is opened as dbt-spark opens its own, so that both see one warehouse, and given up again, so that
dbt can use it. Where the metastore is the Derby database of a single machine, only one process at a
time can have it.
"""

import atexit
import logging
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import Busy, DataError, ExhaustError, NoConnection, UsageError
from exhaust.permissions import make_folder, private_files, private_opener
from exhaust.project.profile import Profile
from exhaust.warehouse import LOCK_TIMEOUT_SECONDS, LockWait

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CONNECTION_URL = "spark.hadoop.javax.jdo.option.ConnectionURL"
DERBY = "jdbc:derby:;databaseName=metastore_db;create=true"
"""Spark's default metastore."""

CAUSE = "Caused by: "

_users = 0
"""The number of open warehouses of this process, which share its session."""
_interrupt: Any = None
"""The handler of Ctrl-C before: a session's own cancels what runs, and fails once it has ended."""


def parameters(options: Mapping[str, Any]) -> dict[str, str]:
    """Returns the settings of a session, from a dbt output of type spark."""
    given = options.get("server_side_parameters") or {}
    return {str(name): str(value) for name, value in given.items()} | {
        # dbt-spark turns ANSI off, whatever the profile says.
        "spark.sql.ansi.enabled": "false",
        # If JSON repeats a key, the last one counts, as in macros/portability.
        "spark.sql.variant.allowDuplicateKeys": "true",
    }


def open_session(
    profile: Profile, console: Console = SILENCE, clock: Clock = SYSTEM_CLOCK
) -> "SparkSession":
    """Opens the session; where its metastore is a Derby database, no other process can have it.

    Raises UsageError if Spark is not installed, Busy if the metastore is still held after ten
    seconds, NoConnection if the metastore or a cluster cannot be reached.
    """
    global _users, _interrupt
    _check_installed(profile)
    settings = parameters(profile.options)
    is_remote = _is_remote(settings)
    if not is_remote:
        _check_java()
    if not _users:
        _interrupt = signal.getsignal(signal.SIGINT)
    with (
        _noise_into(spark_log(profile)),
        _started_in(profile.project_dir),
        _plain_errors(profile),
        private_files(),
    ):
        if not is_remote and (folder := warehouse_folder(profile)):
            # Hive gives its own folders the permissions of this one.
            make_folder(folder, is_private=True)
        session = _session(settings)
        if not is_remote:
            _end_with_this_process(session)
    try:
        if not is_remote:
            _wait_for_derby(session, settings, console, clock)
        with _plain_errors(profile):
            session.sql("show databases").collect()
    except BaseException:
        if not _users:
            _give_up(session, settings)
        raise
    _users += 1
    return session


def close_session(profile: Profile, session: "SparkSession") -> None:
    """Gives up the metastore once this process has no open warehouse."""
    global _users
    _users -= 1
    if not _users:
        _give_up(session, parameters(profile.options))


def warehouse_folder(profile: Profile) -> Path | None:
    """Returns the folder of the warehouse, if the profile names one on this machine."""
    settings = profile.options.get("server_side_parameters") or {}
    path = str(settings.get("spark.sql.warehouse.dir") or "").removeprefix("file:")
    return None if "://" in path or not path else profile.project_dir / path


def spark_log(profile: Profile) -> Path:
    """Returns the file for what Spark prints."""
    return profile.project_dir / "logs" / "spark.log"


def _session(settings: Mapping[str, str]) -> "SparkSession":
    from pyspark.sql import SparkSession

    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger", "py4j"):
        # They print every error that is raised, with a Java stack trace.
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    builder = SparkSession.builder.enableHiveSupport()
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _is_remote(settings: Mapping[str, str]) -> bool:
    """Returns whether this is Spark Connect, which needs no Java on this machine."""
    return bool(settings.get("spark.remote") or os.environ.get("SPARK_REMOTE"))


def _check_installed(profile: Profile) -> None:
    method = profile.options.get("method")
    if method != "session":
        raise UsageError(
            f"The target `{profile.target}` reaches Spark by the method `{method}`.",
            "exhaust needs the method `session`: Spark on this machine, a cluster's master, or "
            "Spark Connect.",
        )
    try:
        import pyspark  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"The target `{profile.target}` needs PySpark, which is not installed.",
            "Install it: pip install 'pyspark>=4.3,<5' 'dbt-spark>=1.11,<1.12'",
        ) from error


def _check_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if not (Path(home, "bin", "java").is_file() if home else shutil.which("java")):
        raise UsageError(
            f"Spark needs Java, which is not {f'in {home}' if home else 'on the PATH'}.",
            "Install Java 17, or set JAVA_HOME to its folder.",
        )


@contextmanager
def _plain_errors(profile: Profile) -> Iterator[None]:
    """Raises what Spark cannot reach as one of our errors."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError, OSError) as error:
        if "JAVA_GATEWAY_EXITED" in str(error):
            raise DataError(
                "Java did not start Spark.",
                f"Spark needs Java 17 or later. Its log is {spark_log(profile)}.",
            ) from error
        raise NoConnection(
            f"No connection to Spark or to its metastore: {first_line(error)}",
            f"Check server_side_parameters of the target `{profile.target}`. "
            f"Spark's log is {spark_log(profile)}.",
        ) from error


def first_line(error: BaseException) -> str:
    """Returns what went wrong without the stack trace: the cause that Java names last."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line.removeprefix(CAUSE) for line in lines if line.startswith(CAUSE)]
    return [type(error).__name__, *lines[:1], *causes][-1]


@contextmanager
def _noise_into(log: Path) -> Iterator[None]:
    """Sends the output of what is started here to a file; Java would inherit ours."""
    with suppress(OSError):
        make_folder(log.parent, is_private=True)
    try:
        file = private_opener(str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    except OSError:
        file = os.open(os.devnull, os.O_WRONLY)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    try:
        os.dup2(file, 1)
        os.dup2(file, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, was in enumerate(kept, start=1):
            os.dup2(was, number)
            os.close(was)
        os.close(file)


@contextmanager
def _started_in(folder: Path) -> Iterator[None]:
    """Relative paths of a profile start from the project's folder, where dbt runs too."""
    here = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)


def _wait_for_derby(
    session: "SparkSession",
    settings: Mapping[str, str],
    console: Console,
    clock: Clock,
) -> None:
    """Asks Derby directly, because Spark does not say why its metastore does not answer."""
    from py4j.protocol import Py4JJavaError

    url = settings.get(CONNECTION_URL, DERBY)
    if not url.startswith("jdbc:derby:"):
        return
    wait = LockWait(console, clock)
    while True:
        try:
            _connect(session, url)
            return
        except Py4JJavaError as error:
            if "Another instance of Derby" not in str(error):
                raise ExhaustError(f"Spark's metastore {url}: {first_line(error)}") from error
            if wait.is_over:
                raise Busy(
                    "Spark's metastore is held by another process, and still was after "
                    f"{LOCK_TIMEOUT_SECONDS:.0f} seconds.",
                    "A build, a load or an export may be running. Try again when it has ended.",
                ) from error
        wait.pause("Spark's metastore is held by another process: waiting for it to end ...", 0.5)


def _connect(session: "SparkSession", url: str) -> None:
    java = session.sparkContext._jvm
    assert java is not None  # noqa: S101
    java.java.sql.DriverManager.getConnection(url).close()


def _give_up(session: "SparkSession", settings: Mapping[str, str]) -> None:
    """Ends the session; the JVM stays, so that the next one opens at once."""
    from py4j.protocol import Py4JError

    with suppress(ValueError):  # In another thread than the main one, which set no handler.
        signal.signal(signal.SIGINT, _interrupt)
    if _is_remote(settings):
        session.stop()
        return
    url = settings.get(CONNECTION_URL, DERBY)
    # Derby reports a shutdown as an error; a JVM that is gone holds nothing.
    with suppress(Py4JError, OSError):
        java = session.sparkContext._jvm
        session.stop()
        if java is not None and url.startswith("jdbc:derby:"):
            java.java.sql.DriverManager.getConnection(url.replace("create=true", "shutdown=true"))


def _end_with_this_process(session: "SparkSession") -> None:
    """Waits for the JVM when this process ends, so that the next finds the metastore free."""
    gateway: Any = session.sparkContext._gateway
    java = getattr(gateway, "proc", None)
    if java is None or getattr(java, "is_awaited", False):
        return
    java.is_awaited = True

    def end() -> None:
        with suppress(Exception):
            gateway.shutdown()
            java.stdin.close()
            java.wait(10)

    atexit.register(end)
