"""What is Spark's alone: its session, how tables change places, what it does not read itself."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest
from marts import CREATOR, HEADER, LINES, MATHS, MATHS_2, MENTOR, create_marts
from support import (
    NO_MESSAGES,
    PROJECT,
    ManualClock,
    RecordingConsole,
    Spark,
    load_extract,
)

from exhaust.errors import Busy, DataError, ExhaustError, NoConnection, UsageError
from exhaust.extract.folder import read_extract
from exhaust.marts.state import Marts
from exhaust.pipeline.load import load
from exhaust.project.profile import Profile
from exhaust.project.settings import Settings
from exhaust.project.sources import SourceTable, read_sources
from exhaust.reports.export import export
from exhaust.reports.layout import Layout
from exhaust.reports.selection import Criteria, Destination
from exhaust.requests.desk import submit
from exhaust.requests.entities import Status
from exhaust.requests.ledger import Ledger
from exhaust.requests.worker import process
from exhaust.warehouse import Warehouse, connect
from exhaust.warehouse.spark.session import CONNECTION_URL, open_session
from exhaust.warehouse.spark.warehouse import SparkWarehouse

USER = SourceTable("user", ("userid", "name"), ("userid",), ("userid",))


@pytest.fixture
def spark_warehouse(settings_spark: Settings) -> Iterator[Warehouse]:
    with connect(settings_spark.profile, writing=True, console=NO_MESSAGES) as opened:
        yield opened


def land(warehouse: Warehouse, settings: Settings, folder: Path) -> list[tuple[object, ...]]:
    """Loads the table of users; gives it as it stands then."""
    load(warehouse, settings, read_extract(folder, [USER]))
    user = warehouse.relation(settings.landing_schema, "user")
    return sorted(warehouse.query(f"select userid, name from {user}"), key=repr)


class TestExport:
    """On marts made by hand."""

    @pytest.fixture
    def marts(self, spark_warehouse: Warehouse, settings_spark: Settings) -> Marts:
        create_marts(spark_warehouse, settings_spark)
        return Marts(spark_warehouse, settings_spark)

    def test_reports_requests_and_rights(
        self, marts: Marts, settings_spark: Settings, tmp_path: Path
    ) -> None:
        """One test, because creating the marts takes long."""

        def written(criteria: Criteria) -> dict[str, str]:
            folder = tmp_path / str(len(list(tmp_path.iterdir())))
            clock = ManualClock(date(2026, 11, 1))
            export(marts, criteria, Destination(folder=folder), NO_MESSAGES, clock)
            return {file.name.partition("_")[0]: file.read_text() for file in folder.glob("*.csv")}

        first, second = (HEADER + "".join(LINES[MATHS, batch]) for batch in ("001", "002"))
        assert written(Criteria([MATHS])) == {"001": first, "002": second}
        only_of_k = HEADER + LINES[MATHS, "001"][1]
        assert written(Criteria([MATHS], user_id=MENTOR)) == {"001": only_of_k}
        (sunbird,) = written(Criteria([MATHS_2], layout=Layout.SUNBIRD)).values()
        assert sunbird.splitlines()[1].startswith("BatchId_001,u1,01/02/2026,1")

        desk = replace(settings_spark, results_dir=tmp_path / "results")
        with Ledger.open(settings_spark.profile) as ledger:
            submit(marts, ledger, Criteria([MATHS_2], user_id=CREATOR))
            (done,) = process(desk, ledger, "worker", NO_MESSAGES)
        assert done.status == Status.SUCCESS

    def test_a_task_that_fails_is_an_error_of_one_line(self, spark_warehouse: Warehouse) -> None:
        """Java gives a stack trace."""
        with pytest.raises(ExhaustError, match=r"failed: .*USER_RAISED.*") as raised:
            spark_warehouse.copy_out("select raise_error('no') || id from range(1)", print)
        assert "\n" not in raised.value.message


class TestLoad:
    def test_tables_change_places_and_leave_nothing(
        self, spark_warehouse: Warehouse, settings_spark: Settings, tmp_path: Path
    ) -> None:
        """A table that somebody made stands there, and what a killed load left."""
        schema = settings_spark.landing_schema
        spark_warehouse.execute(f"create schema {spark_warehouse.identifier(schema)}")
        for table in ("user", "user__20250101000000000000", "user__notes"):
            relation = spark_warehouse.relation(schema, table)
            spark_warehouse.execute(f"create table {relation} (userid string, name string)")
        (tmp_path / "user.csv").write_text("userid,name\n1,a\n")
        assert land(spark_warehouse, settings_spark, tmp_path) == [("1", "a")]
        (tmp_path / "user.csv").write_text("userid,name\n2,b\n")
        assert land(spark_warehouse, settings_spark, tmp_path) == [("2", "b")]
        (standing,) = spark_warehouse.tables(schema) - {"user", "user__notes", "loads"}
        assert standing.startswith("user__2")
        assert not standing.startswith("user__2025")

    @pytest.mark.parametrize(
        ("name", "text", "expected"),
        [
            # Spark would leave the blanks, drop the second line as it does the header, take the
            # file for hidden, and split the value.
            ("1.csv", 'userid,name\n1, "a"\n', [("1", "a")]),
            ("1.csv", "userid,name\n1,a\nuserid,name\n", [("1", "a"), ("userid", "name")]),
            ("_1.csv", "userid,name\n1,a\n", [("1", "a")]),
            ("1.csv", 'userid,name\n1,"a\r\nb"\n', [("1", "a\r\nb")]),
            ("1.csv", 'userid,name\n1,"a\rb"\n', [("1", "a\rb")]),
        ],
    )
    def test_what_spark_would_read_otherwise(
        self,
        spark_warehouse: Warehouse,
        settings_spark: Settings,
        tmp_path: Path,
        name: str,
        text: str,
        expected: list[tuple[str, str]],
    ) -> None:
        (tmp_path / "user").mkdir()
        (tmp_path / "user" / name).write_bytes(text.encode())
        (tmp_path / "user" / "2.csv").write_text("userid,name\n9,\n")
        assert land(spark_warehouse, settings_spark, tmp_path) == sorted(
            [*expected, ("9", None)], key=repr
        )

    def test_numbers_of_parquet_are_written_as_on_the_other_engines(
        self, spark_warehouse: Warehouse, settings_spark: Settings, tmp_path: Path
    ) -> None:
        duckdb.sql(
            "copy (select 1e8::double as userid, 0.0000001::decimal(9, 7) as name) "
            f"to '{tmp_path}/user.parquet'"
        )
        assert land(spark_warehouse, settings_spark, tmp_path) == [("100000000.0", "0.0000001")]

    def test_of_many_files_the_one_at_fault_is_named(
        self, spark_warehouse: Warehouse, settings_spark: Settings, tmp_path: Path
    ) -> None:
        (tmp_path / "user").mkdir()
        for number in range(3):
            (tmp_path / "user" / f"{number}.csv").write_text(f"userid,name\n{number},a\n")
        (tmp_path / "user" / "1.csv").write_text("userid,name\n1\n")
        with pytest.raises(DataError, match=r"user/1\.csv, line 2: expected 2 columns, found 1"):
            land(spark_warehouse, settings_spark, tmp_path)


DERBYS_SHELL = "org.apache.derby.tools.ij"


@contextmanager
def held(metastore: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the metastore's database open."""
    import pyspark

    jars = Path(pyspark.__file__).parent / "jars"
    holder = subprocess.Popen(
        ["java", "-cp", f"{jars}/*", "-Dderby.stream.error.file=/dev/null", DERBYS_SHELL],
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


class TestSession:
    @pytest.fixture
    def profile(self, settings_spark: Settings, tmp_path: Path) -> Profile:
        """With a metastore of its own."""
        options = dict(settings_spark.profile.options)
        options["server_side_parameters"] = options["server_side_parameters"] | {
            CONNECTION_URL: f"jdbc:derby:;databaseName={tmp_path / 'metastore'};create=true"
        }
        return replace(settings_spark.profile, options=options)

    def test_a_metastore_held_by_another_process_is_waited_for(
        self, profile: Profile, tmp_path: Path
    ) -> None:
        clock, console = ManualClock(), RecordingConsole()
        with held(tmp_path / "metastore"), pytest.raises(Busy, match="after 10 seconds"):
            open_session(profile, console, clock)
        assert clock.slept == pytest.approx(10, abs=0.6)
        assert console.said == [
            "Spark's metastore is held by another process: waiting for it to end ..."
        ]

    def test_a_metastore_that_becomes_free_is_had(self, profile: Profile, tmp_path: Path) -> None:
        with held(tmp_path / "metastore") as holder:

            def free() -> None:
                holder.kill()
                holder.wait()

            session = open_session(profile, clock=ManualClock(on_sleep=free))
        with SparkWarehouse(session, profile) as warehouse:
            assert warehouse.query("select 1") == [(1,)]

    def test_an_interrupt_is_one_again_after_it(
        self, spark: Spark, settings_spark: Settings
    ) -> None:
        """Spark's own handler fails where there is no session, as while dbt runs."""
        spark.release()
        before = signal.getsignal(signal.SIGINT)
        with connect(settings_spark.profile, writing=False, console=NO_MESSAGES):
            assert signal.getsignal(signal.SIGINT) != before
        assert signal.getsignal(signal.SIGINT) == before
        spark.hold(settings_spark)

    def test_without_pyspark(self, profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pyspark", None)
        with pytest.raises(UsageError, match="needs PySpark") as raised:
            open_session(profile, console=NO_MESSAGES)
        assert raised.value.hint == "Install it: pip install -e '.[spark]'"

    @pytest.mark.parametrize("home", ["", "/nowhere"])
    def test_without_java(
        self, profile: Profile, monkeypatch: pytest.MonkeyPatch, home: str
    ) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        monkeypatch.setenv("JAVA_HOME", home)
        with pytest.raises(UsageError, match="Spark needs Java, which is not") as raised:
            open_session(profile, console=NO_MESSAGES)
        assert "Java 17" in str(raised.value.hint)

    def test_another_method_is_refused(self, profile: Profile) -> None:
        options = {**profile.options, "method": "thrift"}
        with pytest.raises(UsageError, match="by the method `thrift`"):
            open_session(replace(profile, options=options), console=NO_MESSAGES)

    def test_a_java_that_is_gone_is_no_connection(
        self, spark_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(sql: str) -> None:
            raise ConnectionRefusedError

        monkeypatch.setattr(spark_warehouse._session, "sql", fail)  # type: ignore[attr-defined]
        with pytest.raises(NoConnection, match="was lost"):
            spark_warehouse.query("select 1")


class TestCommand:
    """In a process, and a project, of its own; with the example profile, but for its size."""

    @pytest.fixture
    def project(self, settings_spark: Settings, tmp_path: Path) -> Path:
        project = tmp_path / "project"
        for folder in ("macros", "models"):
            shutil.copytree(PROJECT / folder, project / folder)
        for file in ("dbt_project.yml", "profiles.example.yml"):
            shutil.copy(PROJECT / file, project)
        return project

    def run(self, project: Path, *arguments: str, **variables: str) -> tuple[int, str, str]:
        elsewhere = project.parent / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("EXHAUST_", "DBT_"))
        }
        done = subprocess.run(
            [str(Path(sys.executable).with_name("exhaust")), *arguments],
            cwd=elsewhere,
            env={
                **environment,
                "EXHAUST_TARGET": "spark",
                "EXHAUST_PROJECT_DIR": str(project),
                "HOME": str(elsewhere),
                "SPARK_DRIVER_MEMORY": "1g",
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert not any(elsewhere.iterdir())
        return done.returncode, done.stdout, done.stderr

    def test_spark_itself_is_not_heard(self, project: Path) -> None:
        code, output, errors = self.run(project, "courses")
        assert (code, output) == (7, "")
        assert errors.startswith("error: Nothing is built")
        assert len(errors.splitlines()) == 2
        assert (project / "logs" / "spark.log").read_text()
        assert {path.name for path in project.iterdir() if path.is_dir()} == {
            *("macros", "models", "logs", "spark-metastore"),
        } | {path.name for path in project.glob("spark-warehouse")}
        assert not (project / "derby.log").exists()

    def test_a_java_that_does_not_start(self, project: Path, tmp_path: Path) -> None:
        java = tmp_path / "java" / "bin" / "java"
        java.parent.mkdir(parents=True)
        java.write_text("#!/bin/sh\necho too old >&2\nexit 1\n")
        java.chmod(0o755)
        code, output, errors = self.run(project, "courses", JAVA_HOME=str(tmp_path / "java"))
        assert (code, output) == (7, "")
        assert errors.splitlines()[0] == "error: Java did not start Spark."
        assert "too old" in (project / "logs" / "spark.log").read_text()


class TestDbt:
    """Plain dbt, as an analytics engineer runs it, on the sample extract."""

    @pytest.fixture
    def loaded(self, settings_spark: Settings, spark: Spark) -> Iterator[Settings]:
        load_extract(settings_spark, PROJECT / "seeds")
        spark.release()
        yield settings_spark
        spark.hold(settings_spark)

    def dbt(self, settings: Settings, folder: Path, *arguments: str) -> dict[str, str]:
        """What became of each model, test or seed, by its id."""
        subprocess.run(
            [
                *(str(Path(sys.executable).with_name("dbt")), *arguments),
                *("--profiles-dir", str(settings.profiles_dir)),
                *("--target-path", str(folder / "target")),
                *("--log-path", str(folder / "logs")),
            ],
            cwd=PROJECT,
            env=dict(settings.environment),
            capture_output=True,
            check=False,
        )
        results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
        return {result["unique_id"]: result["status"] for result in results}

    def test_models_data_tests_and_unit_tests(self, loaded: Settings, tmp_path: Path) -> None:
        variables = f"landing_schema: {loaded.landing_schema}"
        found = self.dbt(loaded, tmp_path, "build", "--vars", variables)

        assert {node: status for node, status in found.items() if status in ("error", "fail")} == {}
        kinds = Counter(node.partition(".")[0] for node in found)
        assert kinds["unit_test"] >= 83
        assert kinds["test"] >= 76
        assert "skipped" not in found.values()

        with connect(loaded.profile, writing=False, console=NO_MESSAGES) as warehouse:
            progress = warehouse.relation(loaded.profile.schema, "course_progress")
            select = f"select * from {progress} where course_id = 'do_31300000000000000001'"
            ((plan,),) = warehouse.query(f"explain {select}")
        # An export reads the files of its course alone.
        assert re.search(r"PartitionFilters: \[[^]]*course_id[^]]*do_31300000000000000001", plan)

    def test_the_sample_as_seeds(self, loaded: Settings, tmp_path: Path) -> None:
        """Values with apostrophes, quotes and backslashes among them."""
        found = self.dbt(loaded, tmp_path, "seed", "--vars", "sample: true")

        assert set(found.values()) == {"success"}
        with connect(loaded.profile, writing=False, console=NO_MESSAGES) as warehouse:
            for table in read_sources(PROJECT):
                columns = ", ".join(f"coalesce({name}, '')" for name in table.columns)
                landed, seeds = (
                    warehouse.query(f"select {columns} from {warehouse.relation(*where)}")
                    for where in (
                        (loaded.landing_schema, table.name),
                        (f"{loaded.profile.schema}_sample", table.name),
                    )
                )
                assert sorted(seeds) == sorted(landed), table.name


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("warehouse", "/project/warehouse.requests"),
        ("file:/data/warehouse", "/data/warehouse.requests"),
        ("s3a://bucket/warehouse", "/project/one.requests"),
        ("", "/project/one.requests"),
    ],
)
def test_the_ledger_lies_beside_the_warehouse(where: str, expected: str) -> None:
    from exhaust.requests.store import file_of

    options = {"server_side_parameters": {"spark.sql.warehouse.dir": where}}
    assert file_of(Profile("one", "spark", "main", options, Path("/project"))) == Path(expected)
