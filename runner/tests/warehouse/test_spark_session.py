import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support import NO_MESSAGES, ManualClock, RecordingConsole, Spark

from exhaust.errors import Busy, NoConnection, UsageError
from exhaust.project.profile import Profile
from exhaust.project.settings import Settings
from exhaust.warehouse import Warehouse, connect
from exhaust.warehouse.spark.session import CONNECTION_URL, open_session, warehouse_folder
from exhaust.warehouse.spark.warehouse import SparkWarehouse

DERBY_SHELL = "org.apache.derby.tools.ij"


@contextmanager
def held(metastore: Path) -> Iterator[subprocess.Popen[str]]:
    """Opens the metastore's database in another process."""
    import pyspark

    jars = Path(pyspark.__file__).parent / "jars"
    holder = subprocess.Popen(
        ["java", "-cp", f"{jars}/*", "-Dderby.stream.error.file=/dev/null", DERBY_SHELL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin
    assert holder.stdout
    holder.stdin.write(f"connect 'jdbc:derby:{metastore};create=true';\nvalues 'connected';\n")
    holder.stdin.flush()
    while "connected" not in (line := holder.stdout.readline()) or "values" in line:
        assert line
    try:
        yield holder
    finally:
        holder.kill()
        holder.wait()


@pytest.fixture
def profile(settings_spark: Settings, tmp_path: Path) -> Profile:
    """Returns a profile with its own metastore."""
    options = dict(settings_spark.profile.options)
    options["server_side_parameters"] = options["server_side_parameters"] | {
        CONNECTION_URL: f"jdbc:derby:;databaseName={tmp_path / 'metastore'};create=true"
    }
    return replace(settings_spark.profile, options=options)


def test_a_metastore_held_by_another_process_is_waited_for(
    profile: Profile, tmp_path: Path
) -> None:
    clock, console = ManualClock(), RecordingConsole()
    with held(tmp_path / "metastore"), pytest.raises(Busy, match="after 10 seconds"):
        open_session(profile, console, clock)
    assert clock.slept == pytest.approx(10, abs=0.6)
    assert console.messages == [
        "Spark's metastore is held by another process: waiting for it to end ..."
    ]


def test_a_session_opens_when_the_metastore_is_free(profile: Profile, tmp_path: Path) -> None:
    with held(tmp_path / "metastore") as holder:

        def free() -> None:
            holder.kill()
            holder.wait()

        session = open_session(profile, clock=ManualClock(on_sleep=free))
    with SparkWarehouse(session, profile) as warehouse:
        assert warehouse.query("select 1") == [(1,)]


def test_the_interrupt_handler_is_restored(spark: Spark, settings_spark: Settings) -> None:
    """Spark's own handler fails without a session, which is the case while dbt runs."""
    spark.release()
    before = signal.getsignal(signal.SIGINT)
    with connect(settings_spark.profile, writing=False, console=NO_MESSAGES):
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
    spark.hold(settings_spark)


def test_missing_pyspark_is_a_usage_error(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(UsageError, match="needs PySpark") as raised:
        open_session(profile, console=NO_MESSAGES)
    assert raised.value.hint == (
        "Install it: pip install 'pyspark>=4.3,<5' 'dbt-spark>=1.11,<1.12'"
    )


@pytest.mark.parametrize("home", ["", "/nowhere"])
def test_missing_java_is_a_usage_error(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("JAVA_HOME", home)
    with pytest.raises(UsageError, match="Spark needs Java, which is not") as raised:
        open_session(profile, console=NO_MESSAGES)
    assert "Java 17" in str(raised.value.hint)


def test_another_method_is_refused(profile: Profile) -> None:
    options = {**profile.options, "method": "thrift"}
    with pytest.raises(UsageError, match="by the method `thrift`"):
        open_session(replace(profile, options=options), console=NO_MESSAGES)


def test_a_java_that_has_ended_is_no_connection(
    spark_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(sql: str) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(spark_warehouse._session, "sql", fail)  # type: ignore[attr-defined]
    with pytest.raises(NoConnection, match="was lost"):
        spark_warehouse.query("select 1")


def test_only_the_owner_may_read_the_warehouse(settings_spark: Settings) -> None:
    profile = settings_spark.profile
    with connect(profile, writing=True, console=NO_MESSAGES) as warehouse:
        warehouse.create_schema(profile.schema)
        warehouse.execute(f"create table {profile.schema}.learners using parquet as select 1 as x")
    folder = warehouse_folder(profile)
    assert folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
