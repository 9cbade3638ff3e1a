"""The command itself, in this process where that will do."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
import typer
from support import PROJECT, Built

import exhaust.project.settings
from exhaust import api
from exhaust.cli import app
from exhaust.cli import command as seam
from exhaust.cli.pipeline import failure_line
from exhaust.console import SYSTEM_CLOCK
from exhaust.errors import Busy, ExhaustError, NoConnection
from exhaust.pipeline.build import BuildReport, Failure, SetAside
from exhaust.project.settings import Settings

COMMANDS = (
    *("demo", "load", "build", "courses", "batches", "export", "verify"),
    *("request", "process", "status", "download", "cancel"),
)
COMMON = ("--target", "--project-dir", "--profiles-dir", "--json", "--quiet")
SAMPLE = PROJECT / "seeds"
COURSE = "do_31300000000000000001"
BATCH = "0130300000000000103"
RETIRED = "do_31300000000000000004"
MENTOR = "911ce132-8344-52ec-b886-dd566ca43537"
TRACEBACK = "Traceback"

Exhaust = Callable[..., int]


def call(*arguments: str) -> int:
    """Runs the command here and gives its exit code; what is unexpected crashes the test."""
    with pytest.raises(SystemExit) as ended:
        app.app(list(arguments), prog_name="exhaust")
    return int(ended.value.code or 0)


def use(settings: Settings, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Points the command at a warehouse of the tests, and goes to an empty folder."""
    profiles = "profiles.example.yml" if settings.uses_example else "profiles.yml"
    shutil.copy(settings.profiles_dir / profiles, folder / "profiles.yml")
    (folder / "here").mkdir()
    monkeypatch.chdir(folder / "here")
    for name in os.environ:
        if name.startswith(("EXHAUST_", "DBT_", "PG")):
            monkeypatch.delenv(name)
    for name, value in settings.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("EXHAUST_PROJECT_DIR", str(PROJECT))
    monkeypatch.setenv("EXHAUST_PROFILES_DIR", str(folder))


@pytest.fixture(autouse=True)
def crash_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(error: Exception, project_dir: Path | None) -> None:
        raise error

    monkeypatch.setattr(seam, "_unexpected", crash)


@pytest.fixture
def sample(built: Built, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The sample extract, built; gives the current folder."""
    use(built(SAMPLE), monkeypatch, tmp_path)
    return tmp_path / "here"


@pytest.fixture
def desk(built: Built, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The same, with a folder for results of its own; gives the current folder."""
    use(built(SAMPLE), monkeypatch, tmp_path)
    project = tmp_path / "project"
    shutil.copytree(PROJECT / "macros", project / "macros")
    text = (PROJECT / "dbt_project.yml").read_text("utf-8")
    (project / "dbt_project.yml").write_text(
        text.replace("results_dir: results", f"results_dir: {tmp_path / 'results'}"), "utf-8"
    )
    monkeypatch.setenv("EXHAUST_PROJECT_DIR", str(project))
    return tmp_path / "here"


@pytest.fixture
def empty(settings_duckdb: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A warehouse that is not there yet; gives the current folder."""
    use(settings_duckdb, monkeypatch, tmp_path)
    return tmp_path / "here"


class TestUsage:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_has_an_example_and_the_common_options(
        self, command: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert call(command, "--help") == 0
        shown = capsys.readouterr().out
        assert f"\n    exhaust {command}" in shown
        assert [option for option in COMMON if option not in shown] == []

    def test_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert call("--version") == 0
        assert capsys.readouterr().out == "exhaust 0.1.0\n"

    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["exprot"],
            ["load"],
            ["batches"],
            ["export"],
            ["export", "a", "--all"],
            ["export", "a", "-o", "-", "--json"],
            ["export", "a", "-o", "."],
            ["download", "a", "-o", "-", "--json"],
            ["download", "a", "-o", "a.csv", "--output-dir", "."],
            ["load", "no/such/folder"],
            ["courses", "--target", "none"],
            ["courses", "--project-dir", "none"],
            ["courses", "--profiles-dir", "none"],
            ["demo", "--target", "postgres"],
            ["demo", "--profiles-dir", "."],
        ],
        ids=" ".join,
    )
    def test_wrong_usage(
        self, empty: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
    ) -> None:
        assert call(*arguments) == 2
        shown = capsys.readouterr()
        assert TRACEBACK not in shown.err
        assert not arguments or "rror: " in shown.err

    def test_help_needs_no_engine_and_no_dbt(self) -> None:
        code = (
            "import sys, exhaust.cli.app\n"
            "try:\n    exhaust.cli.app.app(['export', '--help'])\nexcept SystemExit:\n    pass\n"
            "heavy = {'duckdb', 'psycopg', 'rich', 'yaml', 'jinja2', 'dbt'} & set(sys.modules)\n"
            "sys.exit(str(heavy) if heavy else 0)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")

    def test_completion(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("_EXHAUST_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", "exhaust ex")
        monkeypatch.setenv("COMP_CWORD", "1")
        assert call() == 0
        assert capsys.readouterr().out.strip() == "export"


class TestReading:
    def test_courses(self, sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert call("courses", "--json") == 0
        found = json.loads(capsys.readouterr().out)["courses"]
        assert COURSE in {course["course_id"] for course in found}
        assert call("courses", COURSE) == 0
        head, only = capsys.readouterr().out.splitlines()
        assert head.split() == ["ID", "Name", "Status", "Tenant", "Batches", "Enrolments"]
        assert only.startswith(COURSE)

    def test_no_course_is_no_error(self, sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert call("courses", "no such name") == 0
        shown = capsys.readouterr()
        assert (shown.out, shown.err) == (
            "",
            "No course matches `no such name`.\n",
        )

    def test_batches(self, sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert call("batches", COURSE) == 0
        head, *rows = capsys.readouterr().out.splitlines()
        assert head.split() == ["ID", "Name", "Status", "Starts", "Ends", "Enrolled", "Completed"]
        assert call("batches", COURSE, "--json") == 0
        result = json.loads(capsys.readouterr().out)
        assert result["course_id"] == COURSE
        assert [row.split()[0] for row in rows] == [one["batch_id"] for one in result["batches"]]

    def test_export(self, sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert call("export", COURSE, "-b", BATCH, "--json") == 0
        shown = capsys.readouterr()
        (file,) = json.loads(shown.out)["files"]
        content = (sample / file["file"]).read_bytes()
        assert len(content) == file["bytes"]
        assert f"{file['file']}: {file['rows']} rows; left out: 3 inactive, 1 no" in shown.err

        assert call("export", COURSE, "-b", BATCH, "-q", "-o", "one.csv") == 0
        assert (sample / "one.csv").read_bytes() == content
        shown = capsys.readouterr()
        assert shown.out + shown.err == ""

    def test_an_export_is_summed_up_in_three_lines(
        self, sample: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert call("export", COURSE, "-b", BATCH, "-o", "one.csv") == 0
        file, sum_of_rows, proof = capsys.readouterr().err.splitlines()
        assert file == (
            "one.csv: 11 rows; left out: 3 inactive, 1 no enrolment date, "
            "1 enrolment date unreadable"
        )
        minute = r"\d{4}-\d\d-\d\d \d\d:\d\d"
        assert re.fullmatch(
            rf"16 enrolments = 11 rows \+ 5 left out; data of {minute}, built {minute} UTC.",
            sum_of_rows,
        )
        digest = sha256((sample / "one.csv").read_bytes()).hexdigest()
        assert proof == f"SHA-256 {digest}; receipt: one.csv.receipt.json"
        assert call("export", COURSE, "-b", BATCH, "-o", "-") == 0
        assert capsys.readouterr().err.splitlines()[2] == f"SHA-256 {digest}"

    def test_an_export_of_several_files_is_summed_up(
        self, sample: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert call("export", COURSE) == 0
        *files, sum_of_rows, receipts = capsys.readouterr().err.splitlines()
        rows = sum(int(file.partition(": ")[2].split()[0]) for file in files)
        assert f" = {rows} rows in {len(files)} files + " in sum_of_rows
        assert receipts == "Each file has a receipt next to it: <file>.receipt.json."

    @pytest.mark.not_on_spark
    @pytest.mark.parametrize(("user", "knows_ledger"), [([], False), (["--as", MENTOR], True)])
    def test_an_operators_export_knows_no_ledger_and_no_dbt(
        self, sample: Path, user: list[str], knows_ledger: bool
    ) -> None:
        arguments = ["export", COURSE, "-b", BATCH, "-o", "one.csv", *user]
        code = (
            f"import sys, exhaust.cli.app\ntry:\n    exhaust.cli.app.app({arguments})\n"
            "except SystemExit as ended:\n    assert not ended.code\n"
            "print(*sorted({'sqlalchemy', 'exhaust.requests.ledger', 'dbt'} & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert done.stdout == ("exhaust.requests.ledger sqlalchemy\n" if knows_ledger else "\n")
        assert (sample / "one.csv").is_file()

    def test_verify(self, sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert call("export", COURSE, "-q", "-o", "one.csv", "--as", MENTOR) == 0
        assert call("verify", "one.csv") == 0
        assert capsys.readouterr().err == "one.csv is unchanged: 23 rows.\n"
        file = sample / "one.csv"
        file.write_bytes(file.read_bytes().replace(b"%", b""))
        assert call("verify", "one.csv", "--json") == 7
        shown = capsys.readouterr()
        (change,) = json.loads(shown.out)["changes"]
        assert change.startswith("a score that is not a whole percentage: ")
        assert f"\n  {change}\nhint: " in shown.err
        assert call("verify", "two.csv") == 3

    @pytest.mark.parametrize("command", [["courses"], ["batches", COURSE], ["export", COURSE]])
    def test_who_asks(
        self,
        sample: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        command: list[str],
    ) -> None:
        assert call(*command, "--json", "--as", MENTOR) == 0
        by_option = capsys.readouterr().out
        assert BATCH in by_option or command == ["courses"]
        assert "0130300000000000102" not in by_option
        assert "do_31300000000000000002" not in by_option
        monkeypatch.setenv("EXHAUST_USER", "nobody")
        assert call(*command) == 5
        assert "`nobody` has not created a course" in capsys.readouterr().err

    def test_the_layout_of_sunbird(self, sample: Path) -> None:
        assert call("export", COURSE, "-b", BATCH, "--layout", "sunbird", "-o", "one.csv") == 0
        header, first, *_ = (sample / "one.csv").read_text("utf-8").splitlines()
        assert header.startswith("Collection Id,Collection Name,Batch Id,Batch Name,User UUID,")
        assert f",BatchId_{BATCH}," in first

    def test_export_to_standard_output(
        self, sample: Path, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        assert call("export", COURSE, "-o", "one.csv") == 0
        assert call("export", COURSE, "-o", "-") == 0
        shown = capfdbinary.readouterr()
        assert shown.out == (sample / "one.csv").read_bytes()
        assert b"rows" in shown.err

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            (["export", "no such name"], 3),
            (["batches", "no such name"], 3),
            (["export", COURSE, "-b", "no such name"], 3),
            (["export", "do_"], 3),
            (["export", "foundational literacy"], 4),
            (["export", RETIRED], 5),
        ],
        ids=str,
    )
    def test_exit_codes(
        self, sample: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int
    ) -> None:
        assert call(*arguments) == code
        shown = capsys.readouterr()
        assert shown.out == ""
        assert shown.err.startswith("error: ")
        assert "\nhint: " in shown.err
        assert list(sample.iterdir()) == []

    @pytest.mark.not_on_spark  # A process of its own could not have the metastore.
    @pytest.mark.parametrize("arguments", [["export", COURSE, "-o", "-"], ["courses"]], ids=str)
    def test_a_closed_pipe_is_the_readers_right(self, sample: Path, arguments: list[str]) -> None:
        outlet, inlet = os.pipe()
        os.close(outlet)
        buffered = {name: os.environ[name] for name in os.environ if name != "PYTHONUNBUFFERED"}
        done = subprocess.run(
            [Path(sys.executable).with_name("exhaust"), *arguments, "-q"],
            stdout=inlet,
            stderr=subprocess.PIPE,
            env=buffered,
        )
        os.close(inlet)
        assert (done.returncode, done.stderr) == (0, b"")


class TestNotReady:
    @pytest.mark.parametrize(
        "arguments", [["courses"], ["batches", "x"], ["export", "x"], ["build"]]
    )
    def test_nothing_is_loaded(
        self, empty: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
    ) -> None:
        assert call(*arguments) == 7
        assert "exhaust load DIR" in capsys.readouterr().err

    def test_no_connection(
        self, empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("PGHOST", str(empty))
        assert call("courses", "--target", "postgres") == 8
        assert TRACEBACK not in capsys.readouterr().err

    def test_data_that_is_not_fit_fails_the_build_and_closes_the_export(
        self, empty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        extract = tmp_path / "extract"
        shutil.copytree(SAMPLE, extract)
        learners = (extract / "user_enrolments.csv").read_text().splitlines()
        (extract / "user_enrolments.csv").write_text(learners[0] + "\n")
        assert call("load", str(extract), "--json") == 0
        loaded = json.loads(capsys.readouterr().out)["tables"]
        assert {table["name"]: table["rows"] for table in loaded}["user_enrolments"] == 0
        assert call("build", "--json") == 7
        shown = capsys.readouterr()
        assert [one["name"] for one in json.loads(shown.out)["failed"]] == ["landing_is_complete"]
        assert (
            "  landing_is_complete (the tables and settings that every report needs are loaded): "
            in shown.err
        )
        assert call("export", COURSE) == 7
        assert "Run `exhaust build`" in capsys.readouterr().err


class TestBuild:
    @pytest.fixture
    def given(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The arguments that dbt is given, by a build that has set things aside."""
        given: list[str] = []
        report = BuildReport(
            models=2,
            tests=1,
            skipped=0,
            failed=[],
            set_aside=[
                SetAside(
                    "unknown", "unknown courses", 1234, {"do_\x1b": 1230, "do_2": 1}, 3, False
                ),
                SetAside("no_user", "without a profile", 2, {}, 0, True),
            ],
        )

        def build(project: Settings, arguments: list[str], **_: object) -> BuildReport:
            given.extend(arguments)
            return report

        monkeypatch.setattr(api, "build", build)
        return given

    def test_the_summary(
        self, empty: Path, given: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert call("build") == 0
        assert capsys.readouterr().err.splitlines() == [
            "2 models built, 1 test passed, 0 failed.",
            "Set aside:",
            "  1,234 rows: unknown courses",
            r"    do_\x1b (1,230)",
            "    do_2",
            "    and 3 more",
            "Kept, but incomplete:",
            "  2 rows: without a profile",
        ]

    def test_what_follows_two_dashes_is_dbts(self, empty: Path, given: list[str]) -> None:
        assert call("build", "-q", "--", "--select", "marts", "-x") == 0
        assert given == ["--select", "marts", "-x"]
        assert call("build", "--select", "marts") == 2

    def test_a_failure_says_what_and_why(self) -> None:
        described = Failure("key_twice", "A key stands once.", "Got 2 results", [])
        assert failure_line(described) == "  key_twice (A key stands once.): Got 2 results"
        assert failure_line(Failure("model", "", "no", [])) == "  model: no"
        named = Failure(
            "landing_is_complete", "What is needed is loaded.", "Got 1 result", ["no rows"]
        )
        assert failure_line(named) == "  landing_is_complete (What is needed is loaded.): no rows"
        unread = Failure("unread", "", "", ["a.b: 1 of 1, `\x1b`", "a.c: 2 of 2"])
        assert failure_line(unread) == r"  unread: a.b: 1 of 1, `\x1b`; a.c: 2 of 2"


class TestEnds:
    """What the seam makes of exceptions."""

    def raises(self, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
        def read(*_: object, **__: object) -> None:
            raise error

        monkeypatch.undo()
        monkeypatch.setattr(exhaust.project.settings, "read_settings", read)

    def test_interrupted(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.raises(monkeypatch, KeyboardInterrupt())
        assert call("courses") == 130
        assert capsys.readouterr().err == "Interrupted.\n"

    def test_terminated_is_interrupted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = signal.getsignal(signal.SIGTERM)
        monkeypatch.setattr(app, "app", lambda: os.kill(os.getpid(), signal.SIGTERM))
        try:
            with pytest.raises(KeyboardInterrupt):
                app.main()
        finally:
            signal.signal(signal.SIGTERM, before)

    @pytest.mark.parametrize("is_project", [True, False])
    def test_unexpected(
        self,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        is_project: bool,
    ) -> None:
        if is_project:
            (tmp_path / "dbt_project.yml").touch()
        self.raises(monkeypatch, RuntimeError("first\nsecond"))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        assert call("courses", "--project-dir", str(tmp_path)) == 1
        first, second = capsys.readouterr().err.splitlines()
        assert first == "error: Unexpected: RuntimeError: first"
        (log,) = tmp_path.rglob("exhaust*.log")
        assert str(log) in second
        assert (log == tmp_path / "logs" / "exhaust.log") is is_project
        assert "RuntimeError: first\nsecond" in log.read_text()

    def test_an_exit_of_typer_passes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.raises(monkeypatch, typer.Exit(3))
        assert call("courses") == 3


def test_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a copy of the project that wants requesters, with settings for another warehouse that it
    must not touch."""
    project = tmp_path / "project"
    for name in ("macros", "models", "seeds", "tests"):
        shutil.copytree(PROJECT / name, project / name)
    shutil.copy(PROJECT / "profiles.example.yml", project)
    text = (PROJECT / "dbt_project.yml").read_text("utf-8")
    (project / "dbt_project.yml").write_text(
        text.replace("require_requester: false", "require_requester: true"), "utf-8"
    )
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("EXHAUST_PROJECT_DIR", str(project))
    monkeypatch.setenv("EXHAUST_TARGET", "postgres")
    monkeypatch.setenv("EXHAUST_PROFILES_DIR", "/nowhere")
    monkeypatch.setenv("EXHAUST_DUCKDB_PATH", str(tmp_path / "mine.duckdb"))
    assert call("demo", "--json") == 0
    shown = capsys.readouterr()
    result = json.loads(shown.out)
    (file,) = (tmp_path / "here").glob("*.csv")
    assert result["file"] == str(file)
    assert result["course_id"] == COURSE
    assert file.name.startswith(f"{result['batch_id']}_progress_")
    with file.open(newline="") as lines:
        first = next(csv.DictReader(lines))
    assert first["Batch ID"] == result["batch_id"]
    table = shown.err.partition("It starts with:\n\n")[2].splitlines()
    assert max(map(len, table)) <= 100
    assert any(line.split()[:2] == ["State", first["State"].split()[0]] for line in table)
    assert (project / "demo.duckdb").exists()
    assert not (tmp_path / "mine.duckdb").exists()


class TestRequests:
    def test_from_the_request_to_the_file(
        self, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("EXHAUST_USER", MENTOR)
        assert call("request", COURSE, "-b", BATCH) == 0
        shown = capsys.readouterr()
        (request_id,) = shown.out.split()
        assert shown.err == (
            f"Requested: 1 batch of {COURSE}, 11 rows; SUBMITTED, 1st in the queue.\n"
        )
        assert call("request", COURSE, "-b", BATCH) == 6
        assert "The request for this report is being processed" in capsys.readouterr().err
        assert call("download", request_id) == 6
        assert call("process") == 0
        assert f"{request_id}: SUCCESS, 11 of 11 rows\n" in capsys.readouterr().err
        assert call("status", request_id, "--json") == 0
        (result,) = json.loads(capsys.readouterr().out)["requests"]
        assert (result["status"], result["batch_ids"]) == ("SUCCESS", [BATCH])
        assert call("download", request_id, "-o", "one.csv") == 0
        assert call("verify", "one.csv") == 0
        assert call("cancel", request_id) == 2
        assert call("process") == 0
        assert "No requests are waiting." in capsys.readouterr().err

    def test_who_is_not_the_requester(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert call("request", COURSE, "-b", BATCH, "--as", MENTOR) == 0
        (request_id,) = capsys.readouterr().out.split()
        assert call("status", "--as", "nobody") == 0
        assert capsys.readouterr().err == "There are no requests.\n"
        for command in ("status", "download", "cancel"):
            assert call(command, request_id, "--as", "nobody") == 3
        assert call("cancel", request_id) == 0
        capsys.readouterr()
        assert call("status", "--as", MENTOR) == 0
        assert f"{request_id}  {COURSE}" in capsys.readouterr().out

    def test_who_asks_has_to_be_said(self, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert call("request", COURSE) == 2
        assert call("request", COURSE, "-b", BATCH, "--as", MENTOR) == 0
        project = Path(os.environ["EXHAUST_PROJECT_DIR"]) / "dbt_project.yml"
        text = project.read_text("utf-8")
        project.write_text(text.replace("require_requester: false", "require_requester: true"))
        for command in (
            ["courses"],
            ["batches", COURSE],
            ["export", COURSE],
            ["request", COURSE],
            ["status"],
            ["download", "x"],
            ["cancel", "x"],
        ):
            assert call(*command) == 5
            assert "require_requester" in capsys.readouterr().err
        assert list(desk.iterdir()) == []
        assert call("process") == 0
        assert "SUCCESS, 11 of 11 rows" in capsys.readouterr().err

    def test_status_is_watched_until_all_has_ended(
        self, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert call("request", COURSE, "-b", BATCH, "--as", MENTOR) == 0
        (request_id,) = capsys.readouterr().out.split()

        rounds = iter(range(3))

        def cancel(seconds: float) -> None:
            if next(rounds) == 2:
                assert call("cancel", request_id) == 0

        monkeypatch.setattr(SYSTEM_CLOCK, "sleep", cancel)
        assert call("status", request_id, "--watch") == 0
        states = [line.split()[-4:] for line in capsys.readouterr().out.splitlines()]
        assert len(states) == 4

    def test_process_watches_until_it_is_stopped(
        self, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rounds = iter(range(2))

        def ask(seconds: float) -> None:
            if next(rounds, None) is None:
                raise KeyboardInterrupt
            assert call("request", COURSE, "-b", BATCH, "--as", MENTOR) == 0

        monkeypatch.setattr(SYSTEM_CLOCK, "sleep", ask)
        assert call("process", "--watch") == 130
        assert capsys.readouterr().err.count("SUCCESS, 11 of 11 rows") == 2

    @pytest.mark.parametrize(("error", "code"), [(Busy, 6), (NoConnection, 8)])
    def test_a_warehouse_that_cannot_be_had_is_waited_for(
        self,
        desk: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        error: type[ExhaustError],
        code: int,
    ) -> None:
        rounds = iter(range(2))

        def fail(*_: object, **__: object) -> None:
            raise error("The file is held.")

        def wait(seconds: float) -> None:
            if next(rounds, None) is None:
                raise KeyboardInterrupt

        monkeypatch.setattr(api, "process", fail)
        monkeypatch.setattr(SYSTEM_CLOCK, "sleep", wait)
        assert call("process") == code
        assert capsys.readouterr().err == "error: The file is held.\n"
        assert call("process", "--watch") == 130
        assert capsys.readouterr().err == "The file is held.\n" * 3 + "Interrupted.\n"
