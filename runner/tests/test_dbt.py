"""The child process is played by a script; test_cli.py and the golden tests run the real dbt."""

import json
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from support import NO_MESSAGES, CallingConsole, relation

from exhaust.errors import DataError, ExhaustError, UsageError
from exhaust.pipeline import build as module
from exhaust.pipeline import dbt
from exhaust.pipeline.build import BuildReport, Failure
from exhaust.pipeline.dbt import Result, run_dbt
from exhaust.project.profile import Profile
from exhaust.project.settings import Settings
from exhaust.project.sources import read_sources
from exhaust.warehouse import Warehouse, connect

pytestmark = pytest.mark.not_on_spark

RESULTS = [
    {"unique_id": "model.exhaust.courses", "status": "success", "message": "OK"},
    {"unique_id": "model.exhaust.later", "status": "skipped", "message": None},
    {"unique_id": "test.exhaust.unique_id.abc", "status": "pass", "failures": 0},
    {"unique_id": "unit_test.exhaust.courses.rule", "status": "pass", "failures": 0},
    {
        "unique_id": "test.exhaust.key_twice",
        "status": "fail",
        "failures": 2,
        "message": "\x1b[31mGot 2 results\x1b[0m\n",
    },
    {"unique_id": "test.exhaust.unknown", "status": "warn", "failures": 3},
    {"unique_id": "operation.exhaust.on-run-end-0", "status": "error", "message": "no"},
]
MANIFEST = {
    "nodes": {
        "model.exhaust.courses": {"name": "courses", "fqn": ["exhaust", "marts", "courses"]},
        "test.exhaust.key_twice": {
            "name": "key_twice",
            "description": "A key\nstands once.",
            "fqn": ["exhaust", "key_twice"],
            "schema": "aside",
            "alias": "key_twice",
            "config": {"store_failures": True},
        },
        "test.exhaust.unknown": {
            "name": "unknown",
            "description": "Unknown courses.",
            "fqn": ["exhaust", "set_aside", "unknown"],
            "schema": "aside",
            "alias": "unknown_courses",
            "config": {"store_failures": True},
        },
    },
    "unit_tests": {"unit_test.exhaust.courses.rule": {"name": "rule", "fqn": ["exhaust", "rule"]}},
}


def event(level: str = "info", message: str = "", **data: object) -> str:
    info = {"invocation_id": "this", "level": level, "msg": message}
    return json.dumps({"info": info, "data": data})


def node(status: str, kind: str = "model") -> dict[str, object]:
    return {"node_info": {"node_status": status, "resource_type": kind, "node_name": "courses"}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A project in which dbt is a script, see `play`."""
    folder = tmp_path / "project"
    (folder / "target").mkdir(parents=True)
    (folder / "profiles.example.yml").write_text("the example")
    script = [sys.executable, str(folder / "dbt.py")]
    monkeypatch.setattr(dbt, "DBT", script)
    return Settings(
        project_dir=folder,
        profiles_dir=folder,
        profile=Profile("one", "duckdb", "main", {}),
        landing_schema="raw",
        report_timezone=ZoneInfo("UTC"),
        environment={"MARK": "set"},
    )


def play(
    settings: Settings, lines: list[str], code: int = 0, results: str = "this", more: str = ""
) -> None:
    """Makes a dbt that leaves artefacts of the invocation `results`, prints lines and ends."""
    folder = settings.project_dir
    content = {"metadata": {"invocation_id": results}, "results": RESULTS}
    (folder / "target" / "run_results.json").write_text(json.dumps(content))
    (folder / "target" / "manifest.json").write_text(json.dumps(MANIFEST))
    (folder / "dbt.py").write_text(
        f"import sys\nprint({chr(10).join(lines)!r}, flush=True)\n{more}\nsys.exit({code})\n"
    )


def test_results_are_read(project: Settings) -> None:
    play(project, [event()], code=1)
    results = run_dbt(project, ["build"])
    assert results[0] == Result("courses", "model", "success", 0, "OK", "", None)
    assert results[4] == Result(
        "key_twice",
        "test",
        "fail",
        2,
        "Got 2 results",
        "A key stands once.",
        ("aside", "key_twice"),
    )
    assert results[5].failure_table == ("aside", "unknown_courses")
    assert [result.kind for result in results[2:4]] == ["test", "unit_test"]


def test_progress_counts_what_is_finished(project: Settings) -> None:
    play(
        project,
        [
            event(index=1, total=1, **node("success", "operation")),
            event(index=1, total=4, **node("started")),
            event(index=1, total=4, **node("success")),
            "no event",
            event(index=2, num_models=4, **node("fail", "test")),
            event(index=3, total=4, **node("skipped")),
            event(total=4),
        ],
    )
    seen: list[tuple[str, float]] = []
    run_dbt(project, ["build"], CallingConsole(lambda *seen_now: seen.append(seen_now)))
    assert seen == [("courses", 0), ("courses", 0.25), ("courses", 0.5), ("courses", 0.75)]


def test_how_it_is_called(project: Settings) -> None:
    tell = (
        "import json, os\n"
        "profiles = sys.argv[sys.argv.index('--profiles-dir') + 1] + '/profiles.yml'\n"
        "json.dump([sys.argv[1:], os.getcwd(), os.environ['MARK'], os.path.exists(profiles)"
        " and open(profiles).read()], open('called.json', 'w'))"
    )
    called = project.project_dir / "called.json"
    play(project, [event()], more=tell)
    run_dbt(project, ["build", "--full-refresh"])
    arguments, folder, mark, profiles = json.loads(called.read_text())
    assert arguments[:3] == ["build", "--profiles-dir", str(project.profiles_dir)]
    assert arguments[3:5] == ["--target", "one"]
    assert arguments[-1] == "--full-refresh"
    assert (folder, mark, profiles) == (str(project.project_dir), "set", False)

    run_dbt(replace(project, uses_example=True), ["build"])
    arguments, _, _, profiles = json.loads(called.read_text())
    assert profiles == "the example"
    assert not Path(arguments[2]).exists()


def test_one_that_breaks_off_is_quoted_in_plain_text(project: Settings) -> None:
    play(project, [event("error", "\x1b[31mCompilation Error\x1b[0m\n  in x.sql")], code=2)
    with pytest.raises(ExhaustError, match="dbt broke off: Compilation Error\n  in x") as raised:
        run_dbt(project, ["build"])
    assert raised.value.exit_code == 1
    assert str(project.project_dir / "logs" / "dbt.log") in str(raised.value.hint)


def test_only_its_last_words_are_quoted(project: Settings) -> None:
    play(project, [f"line {place}" for place in range(100)], code=3)
    with pytest.raises(ExhaustError) as raised:
        run_dbt(project, ["build"])
    assert raised.value.message.splitlines()[0] == "dbt broke off: line 80"


@pytest.mark.parametrize("results", ["another", "this"])
def test_results_of_another_run_are_not_taken(project: Settings, results: str) -> None:
    play(project, [event()], results=results)
    if results == "this":
        assert run_dbt(project, ["build"])
    else:
        with pytest.raises(ExhaustError, match="without a message"):
            run_dbt(project, ["build"])


def test_where_dbt_is_told_to_write(project: Settings) -> None:
    play(project, [event()])
    (project.project_dir / "target").rename(project.project_dir / "elsewhere")
    with pytest.raises(ExhaustError):
        run_dbt(project, ["build"])
    assert run_dbt(replace(project, environment={"DBT_TARGET_PATH": "elsewhere"}), ["build"])


def test_arguments_that_dbt_refuses(project: Settings) -> None:
    play(project, ["Error: No such option: --nope"], code=2)
    with pytest.raises(UsageError, match="No such option: --nope"):
        run_dbt(project, ["build", "--nope"])
    with pytest.raises(ExhaustError, match="broke off"):
        run_dbt(project, ["build"])


@pytest.fixture
def spark_project(project: Settings) -> Settings:
    """The same on Spark."""
    profile = Profile("one", "spark", "main", {}, project.project_dir)
    return replace(project, profile=profile)


def test_what_spark_says_goes_into_its_log(spark_project: Settings) -> None:
    play(spark_project, [event()], code=2, more="print('WARN Spark', file=sys.stderr)")
    with pytest.raises(ExhaustError, match="exit code 2, without a message"):
        run_dbt(spark_project, ["build"])
    assert (spark_project.project_dir / "logs" / "spark.log").read_text() == "WARN Spark\n"


def test_what_dbt_says_before_spark_runs_is_its_own(spark_project: Settings) -> None:
    (spark_project.project_dir / "logs").mkdir()
    (spark_project.project_dir / "logs" / "spark.log").write_text("of yesterday\n")
    play(spark_project, [], code=2, more="print('No such option', file=sys.stderr)")
    with pytest.raises(UsageError, match=r"arguments: No such option$"):
        run_dbt(spark_project, ["build", "--nope"])


def test_an_adapter_that_is_not_installed(
    spark_project: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(dbt, "version", missing)
    with pytest.raises(UsageError, match="needs dbt-spark"):
        run_dbt(spark_project, ["build"])


def test_an_interrupt_lets_dbt_cancel(project: Settings) -> None:
    cancel = (
        "import signal, time\n"
        "def cancel(*_):\n    open('cancelled', 'w').close(); sys.exit(1)\n"
        "signal.signal(signal.SIGINT, cancel)\n"
        f"print({event(index=1, total=2, **node('started'))!r}, flush=True)\n"
        "while True:\n    time.sleep(60)\n"
    )
    play(project, [], more=cancel)

    def interrupt(what: str, share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_dbt(project, ["build"], CallingConsole(interrupt))
    assert (project.project_dir / "cancelled").exists()


def build(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> BuildReport:
    """Builds with dbt's results as above."""
    results = dbt._read_results({"results": RESULTS}, MANIFEST)
    monkeypatch.setattr(module, "run_dbt", lambda *_: results)
    return module.build(settings, [], NO_MESSAGES)


def land(settings: Settings, tables: list[str]) -> None:
    with connect(settings.profile, writing=True, console=NO_MESSAGES) as warehouse:
        warehouse.execute(f'create schema "{settings.landing_schema}"')
        for table in tables:
            warehouse.execute(f"create table {relation(settings.landing_schema, table)} (x text)")


def test_nothing_is_built_before_a_load(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="Nothing is loaded") as raised:
        build(settings, monkeypatch)
    assert "exhaust load" in str(raised.value.hint)
    if settings.profile.engine == "duckdb":
        assert not Path(settings.profile.options["path"]).exists()


def test_tables_never_loaded_are_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [table.name for table in read_sources(settings.project_dir)]
    land(settings, [table for table in tables if table not in ("location", "user")])
    with pytest.raises(DataError, match=r"never loaded into .*: user, location\."):
        build(settings, monkeypatch)


def test_what_was_built_failed_and_set_aside(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(settings, [table.name for table in read_sources(settings.project_dir)])
    with connect(settings.profile, writing=True, console=NO_MESSAGES) as warehouse:
        warehouse.execute("create schema aside")
        warehouse.execute(
            "create table aside.key_twice as "
            "select 'user' as source_table, 'u1' as named, 2 as row_count"
        )
        warehouse.execute(
            "create table aside.unknown_courses (source_table text, named text, row_count bigint)"
        )
        warehouse.execute(
            "insert into aside.unknown_courses values ('a', 'do_8', 2), ('b', 'do_8', 2), "
            "('a', null, 9), ('a', 'do_9', 3), ('a', 'do_3', 1), ('a', 'do_2', 1), "
            "('a', 'do_1', 1), ('a', 'do_0', 1), ('a', 'do_4', 1)"
        )
    report = build(settings, monkeypatch)
    assert (report.models, report.tests, report.skipped) == (1, 2, 1)
    assert report.failed == [
        Failure("key_twice", "A key stands once.", "Got 2 results", ["u1"]),
        Failure("operation.exhaust.on-run-end-0", "", "no", []),
    ]
    (unknown,) = report.set_aside
    assert (unknown.reason, unknown.rows) == ("Unknown courses.", 3)
    assert list(unknown.named.items()) == [
        ("do_8", 4),
        ("do_9", 3),
        ("do_0", 1),
        ("do_1", 1),
        ("do_2", 1),
    ]
    assert unknown.others == 2


def test_a_busy_file_is_waited_for(
    settings_duckdb: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dbt would fail at once where somebody reads, so the file is opened for writing before."""
    land(settings_duckdb, [table.name for table in read_sources(settings_duckdb.project_dir)])
    opened = []

    def spy(*arguments: object, writing: bool, **rest: object) -> Warehouse:
        opened.append(writing)
        return connect(settings_duckdb.profile, writing=writing, console=NO_MESSAGES)

    monkeypatch.setattr(module, "connect", spy)
    monkeypatch.setattr(module, "run_dbt", lambda *_: opened.append("dbt") or [])
    module.build(settings_duckdb, [], NO_MESSAGES)
    assert opened == [False, True, "dbt", False]
