"""A script stands in for dbt; cli/test_pipeline.py and the golden tests run the real one."""

import json
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from dbt_artefacts import MANIFEST, RESULTS
from dbt_support import settings_in
from support import CallingConsole

from exhaust.errors import ExhaustError, UsageError
from exhaust.pipeline import dbt
from exhaust.pipeline.dbt import NO_LEASE, Result, WarehouseLocked, run_dbt, variables_in
from exhaust.pipeline.lease import Lease
from exhaust.project.profile import Profile
from exhaust.project.settings import Settings

pytestmark = pytest.mark.not_on_spark

TARGET = Path("target/exhaust/one")
"""Where the results of the target `one` are."""


def event(level: str = "info", message: str = "", /, **data: object) -> str:
    info = {"invocation_id": "this", "level": level, "msg": message}
    return json.dumps({"info": info, "data": data})


def node(status: str, kind: str = "model") -> dict[str, object]:
    return {"node_info": {"node_status": status, "resource_type": kind, "node_name": "courses"}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Returns a project in which dbt is a script, see `write_dbt`."""
    folder = tmp_path / "project"
    (folder / TARGET).mkdir(parents=True)
    (folder / "profiles.example.yml").write_text("the example")
    script = [sys.executable, str(folder / "dbt.py")]
    monkeypatch.setattr(dbt, "DBT", script)
    return settings_in(folder, {"MARK": "set"})


def write_dbt(
    settings: Settings, lines: list[str], code: int = 0, results: str = "this", more: str = ""
) -> None:
    """Writes a dbt that leaves artefacts of the invocation `results`, prints lines and exits."""
    folder = settings.project_dir
    content = {"metadata": {"invocation_id": results}, "results": RESULTS}
    (folder / TARGET / "run_results.json").write_text(json.dumps(content))
    (folder / TARGET / "manifest.json").write_text(json.dumps(MANIFEST))
    (folder / "dbt.py").write_text(
        f"import sys\nprint({chr(10).join(lines)!r}, flush=True)\n{more}\nsys.exit({code})\n"
    )


def test_results_are_read(project: Settings) -> None:
    write_dbt(project, [event()], code=1)
    results = run_dbt(project, ["build"]).results
    assert results[0] == Result("courses", "model", "success", 0, "OK", "", None)
    assert results[4] == Result(
        "key_twice",
        "test",
        "fail",
        2,
        "Got 2 results",
        "A key is unique.",
        ("aside", "key_twice"),
    )
    assert results[5].failure_table == ("aside", "unknown_courses")
    assert [result.kind for result in results[2:4]] == ["test", "unit_test"]


def test_progress_counts_finished_nodes(project: Settings) -> None:
    write_dbt(
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
    run_dbt(project, ["build"], CallingConsole(lambda *progress: seen.append(progress)))
    assert seen == [("courses", 0), ("courses", 0.25), ("courses", 0.5), ("courses", 0.75)]


def test_dbt_gets_the_profile_the_environment_and_the_arguments(project: Settings) -> None:
    record = (
        "import json, os\n"
        "profiles = sys.argv[sys.argv.index('--profiles-dir') + 1] + '/profiles.yml'\n"
        "json.dump([sys.argv[1:], os.getcwd(), os.environ['MARK'], os.path.exists(profiles)"
        " and open(profiles).read()], open('called.json', 'w'))"
    )
    called = project.project_dir / "called.json"
    write_dbt(project, [event()], more=record)
    run_dbt(project, ["build", "--full-refresh"])
    arguments, folder, mark, profiles = json.loads(called.read_text())
    assert arguments[:2] == ["build", "--full-refresh"]
    assert arguments[2:8] == [
        *("--project-dir", str(project.project_dir)),
        *("--profiles-dir", str(project.profiles_file.parent)),
        *("--target", "one"),
    ]
    assert (folder, mark, profiles) == (str(project.project_dir), "set", False)

    run_dbt(replace(project, profiles_file=project.project_dir / "profiles.example.yml"), ["build"])
    arguments, _, _, profiles = json.loads(called.read_text())
    assert profiles == "the example"
    assert not Path(arguments[arguments.index("--profiles-dir") + 1]).exists()


def environment_of_dbt(settings: Settings, lease: Lease = NO_LEASE) -> dict[str, str]:
    """Returns the environment that dbt gets, without what the interpreter needs."""
    write_dbt(
        settings,
        [event()],
        more="import json, os\njson.dump(dict(os.environ), open('env.json', 'w'))",
    )
    run_dbt(settings, ["build"], lease=lease)
    found = json.loads((settings.project_dir / "env.json").read_text())
    assert isinstance(found, dict)
    return {name: value for name, value in found.items() if name != "LC_CTYPE"}


def test_dbts_own_settings_and_our_secrets_do_not_reach_dbt(project: Settings) -> None:
    kept = {
        "PATH": "/bin",
        "DBT_TARGET_PATH": str(TARGET),
        "DBT_LOG_PATH": "logs",
        "DBT_ENV_SECRET_TOKEN": "a",
        "DBT_ENV_CUSTOM_ENV_TEAM": "b",
        "DBT_PASSWORD": "the profile reads it",
        "EXHAUST_DUCKDB_PATH": "so does it this",
    }
    dropped = {
        "DBT_QUIET": "1",
        "DBT_LOG_LEVEL": "none",
        "DBT_PROFILES_DIR": "/x",
        "DBT_ENV": "x",
        "EXHAUST_USER": "u1",
        "EXHAUST_RECEIPT_KEY": "S3cret",
        "EXHAUST_RECEIPT_KEY_FILE": "/secret",
        "EXHAUST_LEASE": "of another",
        "EXHAUST_TARGET": "two",
        "PGCLIENTENCODING": "LATIN1",
    }
    reads = frozenset({"DBT_PASSWORD", "EXHAUST_DUCKDB_PATH"})
    given = replace(
        project,
        environment={**kept, **dropped},
        profile=replace(project.profile, environment=reads),
    )
    assert environment_of_dbt(given) == {**kept, "PGCLIENTENCODING": "UTF8"}
    lease = Lease({"EXHAUST_LEASE": "ours"})
    assert environment_of_dbt(given, lease)["EXHAUST_LEASE"] == "ours"


@pytest.mark.parametrize(
    "argument",
    ["--target", "--target=x", "-t", "--profile", "--profiles-dir=x", "--project-dir"],
)
def test_options_that_the_command_gives_itself_are_refused(
    project: Settings, argument: str
) -> None:
    with pytest.raises(UsageError) as raised:
        run_dbt(project, ["build", argument, "x"])
    assert f"`{argument.partition('=')[0]}` cannot follow `--`" in raised.value.message
    assert raised.value.exit_code == 2


@pytest.mark.parametrize("arguments", [["--target-path", "x/y"], ["--target-path=x/y"]])
def test_results_are_read_from_the_target_path_that_is_given(
    project: Settings, arguments: list[str]
) -> None:
    write_dbt(project, [event()])
    (project.project_dir / "x").mkdir()
    (project.project_dir / TARGET).rename(project.project_dir / "x" / "y")
    elsewhere = replace(project, environment={"DBT_TARGET_PATH": "elsewhere"})
    assert run_dbt(elsewhere, ["build", "--target-path", "no", *arguments])


def test_builds_of_several_targets_keep_their_results_apart(project: Settings) -> None:
    """Also if the other ends while this one is running."""
    line = event(index=1, total=1, **node("success"))
    (project.project_dir / "dbt.py").write_text(
        "import json, os, sys\n"
        "target = sys.argv[sys.argv.index('--target') + 1]\n"
        "folder = sys.argv[sys.argv.index('--target-path') + 1]\n"
        "results = {'metadata': {'invocation_id': target}, 'results': []}\n"
        "os.makedirs(folder, exist_ok=True)\n"
        "json.dump(results, open(folder + '/run_results.json', 'w'))\n"
        f"print({line!r}.replace('this', target))\n"
    )
    other = replace(project, profile=replace(project.profile, target="a/b"))

    def run_other(what: str, share: float) -> None:
        assert run_dbt(other, ["build"]).invocation_id == "a/b"

    assert run_dbt(project, ["build"], CallingConsole(run_other)).invocation_id == "one"


def test_the_log_path_that_is_given_is_named(project: Settings) -> None:
    write_dbt(project, [event("error", "no")], code=2)
    with pytest.raises(ExhaustError) as raised:
        run_dbt(project, ["build", "--log-path", "/of/mine"])
    assert raised.value.hint == "Its log is /of/mine/dbt.log."


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (event("error", 'IO Error: Could not set lock on file "x.duckdb"'), 2),
        ("ERROR XSDB6: Another instance of Derby may have already booted", 1),
    ],
)
def test_a_locked_warehouse_is_told_from_other_failures(
    project: Settings, line: str, code: int
) -> None:
    write_dbt(project, [event(), "Traceback (most recent call last):", line], code, results="no")
    with pytest.raises(WarehouseLocked):
        run_dbt(project, ["build"])


@pytest.mark.parametrize("text", ["[]", "a", "{", "1"])
def test_variables_that_are_not_a_map_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--vars has to be a map of variables") as raised:
        variables_in(["--select", "x", "--vars", text])
    assert f"`{text}`" in raised.value.message


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        ([], {}),
        (["--vars", ""], {}),
        (["--vars", "a: 1"], {"a": 1}),
        (["--vars={a: [b]}"], {"a": ["b"]}),
        (["--vars", "a: 1", "--select", "x", "--vars", "b: 2"], {"b": 2}),
    ],
)
def test_variables_are_read_as_dbt_reads_them(
    arguments: list[str], variables: dict[str, object]
) -> None:
    assert variables_in(arguments) == variables


def test_a_failed_run_quotes_dbts_error_without_colours(project: Settings) -> None:
    write_dbt(project, [event("error", "\x1b[31mCompilation Error\x1b[0m\n  in x.sql")], code=2)
    with pytest.raises(ExhaustError, match="dbt broke off: Compilation Error\n  in x") as raised:
        run_dbt(project, ["build"])
    assert raised.value.exit_code == 1
    assert str(project.project_dir / "logs" / "dbt.log") in str(raised.value.hint)


def test_an_error_of_spark_is_quoted_without_javas_frames(project: Settings) -> None:
    lines = [
        "Runtime Error in model courses (models/marts/courses.sql)",
        "  : org.apache.spark.SparkException: Task failed while writing rows.",
        "  \tat org.apache.spark.util.Utils$.$anonfun$run$1(Utils.scala:1337)",
        "  Caused by: java.io.IOException: Mkdirs failed to create file:/warehouse",
        "  \tat java.base/java.io.FileOutputStream.writeBytes(Native Method)",
        "  \t... 1 more",
    ]
    write_dbt(project, [event("error", "\n".join(lines))], code=2)
    with pytest.raises(ExhaustError) as raised:
        run_dbt(project, ["build"])
    quoted = [lines[0], lines[1], lines[3]]
    assert raised.value.message.splitlines() == [f"dbt broke off: {quoted[0]}", *quoted[1:]]


def test_only_the_last_lines_of_the_output_are_quoted(project: Settings) -> None:
    write_dbt(project, [f"line {number}" for number in range(100)], code=3)
    with pytest.raises(ExhaustError) as raised:
        run_dbt(project, ["build"])
    assert raised.value.message.splitlines()[0] == "dbt broke off: line 80"


@pytest.mark.parametrize("results", ["another", "this"])
def test_results_of_another_run_are_ignored(project: Settings, results: str) -> None:
    write_dbt(project, [event()], results=results)
    if results == "this":
        assert run_dbt(project, ["build"])
    else:
        with pytest.raises(ExhaustError, match="without a message"):
            run_dbt(project, ["build"])


def test_results_are_read_from_dbts_target_path(project: Settings) -> None:
    write_dbt(project, [event()])
    (project.project_dir / TARGET).rename(project.project_dir / "elsewhere")
    with pytest.raises(ExhaustError):
        run_dbt(project, ["build"])
    assert run_dbt(replace(project, environment={"DBT_TARGET_PATH": "elsewhere"}), ["build"])


def test_refused_arguments_are_a_usage_error(project: Settings) -> None:
    write_dbt(project, ["Error: No such option: --nope"], code=2)
    with pytest.raises(UsageError, match="No such option: --nope"):
        run_dbt(project, ["build", "--nope"])
    with pytest.raises(ExhaustError, match="broke off"):
        run_dbt(project, ["build"])


@pytest.fixture
def spark_project(project: Settings) -> Settings:
    """Returns the same project on Spark."""
    profile = Profile("one", "spark", "main", {}, project.project_dir)
    return replace(project, profile=profile)


def test_arguments_that_only_show_something_are_a_usage_error(project: Settings) -> None:
    write_dbt(project, ["Usage: dbt build [OPTIONS]"], results="another")
    (project.project_dir / TARGET / "run_results.json").unlink()
    with pytest.raises(UsageError, match="dbt built nothing"):
        run_dbt(project, ["build", "--help"])


def test_spark_output_goes_to_its_log(spark_project: Settings) -> None:
    write_dbt(spark_project, [event()], code=2, more="print('WARN Spark', file=sys.stderr)")
    with pytest.raises(ExhaustError, match="exit code 2, without a message"):
        run_dbt(spark_project, ["build"])
    assert (spark_project.project_dir / "logs" / "spark.log").read_text() == "WARN Spark\n"


def test_dbt_output_before_spark_starts_is_quoted(spark_project: Settings) -> None:
    (spark_project.project_dir / "logs").mkdir()
    (spark_project.project_dir / "logs" / "spark.log").write_text("of yesterday\n")
    write_dbt(spark_project, [], code=2, more="print('No such option', file=sys.stderr)")
    with pytest.raises(UsageError, match=r"arguments: No such option$"):
        run_dbt(spark_project, ["build", "--nope"])


def test_a_missing_adapter_is_a_usage_error(
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
    write_dbt(project, [], more=cancel)

    def interrupt(what: str, share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_dbt(project, ["build"], CallingConsole(interrupt))
    assert (project.project_dir / "cancelled").exists()
