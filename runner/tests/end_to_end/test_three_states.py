"""Three targets of one profile, each a world of its own: state systems in one Postgres database."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt_support import copy_of_project
from oracle import make_reports
from support import PROJECT, NewSettings, relation

from exhaust import api
from exhaust.errors import PermissionDenied, UsageError
from exhaust.project.settings import Settings, read_settings
from exhaust.reports.receipt import receipt_path
from exhaust.requests.entities import Request, Status
from exhaust.requests.ledger import Ledger
from exhaust.warehouse import connect

pytestmark = pytest.mark.usefixtures("settings_postgres")

SEEDS = PROJECT / "seeds"
COURSE = "do_31300000000000000001"
"""A course of the sample."""
STATES = ("ap", "tn", "up")
MAPS = {
    "landing_schemas": {state: f"raw_{state}" for state in STATES},
    "report_timezones": {"up": "UTC"},
    "results_dirs": {"ap": "files-of-ap"},
    "require_requesters": {"tn": True},
}
DBT = str(Path(sys.executable).with_name("dbt"))


class Checkout:
    """A copy of the project with a profile of three targets in one new database."""

    def __init__(self, folder: Path, database: Settings, variables: Mapping[str, Any]) -> None:
        self.project = copy_of_project(folder / "project")
        config = yaml.safe_load((self.project / "dbt_project.yml").read_text("utf-8"))
        config["vars"] |= variables
        (self.project / "dbt_project.yml").write_text(yaml.safe_dump(config), "utf-8")
        profiles = yaml.safe_load((PROJECT / "profiles.example.yml").read_text("utf-8"))
        output = profiles["exhaust"]["outputs"]["postgres"]
        profiles["exhaust"] = {
            "target": "ap",
            "outputs": {state: {**output, "schema": state} for state in STATES},
        }
        (self.project / "profiles.yml").write_text(yaml.safe_dump(profiles), "utf-8")
        self._environment = dict(database.environment)
        del self._environment["EXHAUST_TARGET"]

    def state(self, target: str) -> Settings:
        return read_settings(self.project, self.project, target, environ=self._environment)

    def dbt(self, target: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [DBT, *arguments, "--target", target],
            cwd=self.project,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Returns the extract of each target: the sample; the same with the IDs of other courses and
    batches; the sample without every fifth enrolment."""
    folder = tmp_path_factory.mktemp("extracts")
    tn, up = folder / "tn", folder / "up"
    tn.mkdir()
    for file in SEEDS.glob("*.csv"):
        text = file.read_text("utf-8")
        (tn / file.name).write_text(text.replace("do_313", "do_319").replace("01303", "01393"))
    shutil.copytree(SEEDS, up)
    lines = (SEEDS / "user_enrolments.csv").read_text("utf-8").splitlines(keepends=True)
    kept = (line for number, line in enumerate(lines) if number % 5 != 1)
    (up / "user_enrolments.csv").write_text("".join(kept), "utf-8")
    return {"ap": SEEDS, "tn": tn, "up": up}


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with connect(settings.profile, writing=False) as warehouse:
        return warehouse.query(sql)


def landed(settings: Settings) -> list[tuple[Any, ...]]:
    enrolments = relation(settings.landing_schema, "user_enrolments")
    loads = relation(settings.landing_schema, "loads")
    return [
        *query(settings, f"select userid, batchid from {enrolments} order by 1, 2"),
        *query(settings, f"select * from {loads} order by table_name"),
    ]


def test_a_target_does_not_touch_the_raw_tables_of_another(
    new_settings: NewSettings, extracts: dict[str, Path], tmp_path: Path
) -> None:
    """Only `up` says that it means to build from the same."""
    checkout = Checkout(tmp_path, new_settings("postgres"), {"landing_schemas": {"up": "sunbird"}})
    ap, tn = checkout.state("ap"), checkout.state("tn")
    api.load(ap, extracts["ap"])
    before = landed(ap)

    for refused in (lambda: api.load(tn, extracts["tn"]), lambda: api.build(tn)):
        with pytest.raises(UsageError, match="for the target with the schema ap") as raised:
            refused()
        assert str(raised.value.hint).endswith("\n  landing_schemas:\n    tn: sunbird_tn")
    by_dbt = checkout.dbt("tn", "run", "--select", "stg_users")
    shared = checkout.dbt("up", "run", "--select", "stg_users")

    assert by_dbt.returncode != 0
    assert "were loaded for the target with the schema ap" in by_dbt.stdout
    assert "landing_schemas:\n" in by_dbt.stdout
    assert shared.returncode == 0, shared.stdout
    assert landed(ap) == before
    made = query(ap, "select distinct table_schema from information_schema.views")
    assert {schema for (schema,) in made} & {"tn_staging", "up_staging"} == {"up_staging"}


@dataclass(frozen=True)
class States:
    """The three targets, each after a load, a build and a request that was processed."""

    settings: Mapping[str, Settings]
    requests: Mapping[str, Request]
    folder: Path
    """A folder for each target, with what its requester has downloaded."""

    def downloaded(self, state: str) -> list[Path]:
        return sorted((self.folder / state).glob("*.csv"))

    def receipts(self, state: str) -> list[Any]:
        files = map(receipt_path, self.downloaded(state))
        return [json.loads(file.read_text("utf-8")) for file in files]


@pytest.fixture(scope="module")
def states(
    new_settings: NewSettings,
    extracts: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> States:
    """Takes the targets from load to download: each step for all of them, before the next."""
    folder = tmp_path_factory.mktemp("states")
    checkout = Checkout(folder, new_settings("postgres"), MAPS)
    settings = {state: checkout.state(state) for state in STATES}
    for state, one in settings.items():
        api.load(one, extracts[state])
    for one in settings.values():
        assert not api.build(one).failed
    submitted = {state: submit(one) for state, one in settings.items()}
    for state, one in settings.items():
        (processed,) = api.process(one)
        assert processed.request_id == submitted[state].request_id
    for state, one in settings.items():
        request = submitted[state]
        user = request.requester
        api.download(one, request.request_id, output_dir=folder / state, user_id=user)
    requests = {state: requests_in(one)[0] for state, one in settings.items()}
    return States(settings, requests, folder)


def requests_in(settings: Settings) -> list[Request]:
    """Returns all requests in the ledger of a target."""
    with Ledger.open(settings.profile) as ledger:
        return ledger.requests()


def submit(settings: Settings) -> Request:
    """Requests the first course that somebody may have, with all learners, for that user."""
    rights = relation(settings.profile.schema, "requester_batches")
    ((user, course), *_) = query(
        settings,
        f"select user_id, course_id from {rights} where sees_all_learners and enrolled > 0 "
        "order by course_id, user_id",
    )
    return api.submit(settings, course, user_id=user)


def test_each_has_its_own_courses(states: States, extracts: dict[str, Path]) -> None:
    for state, settings in states.settings.items():
        courses = relation(settings.profile.schema, "courses")
        found = {course_id for (course_id,) in query(settings, f"select course_id from {courses}")}
        expected = {course_id for course_id, _ in make_reports(extracts[state]).files}
        assert found >= expected
        assert (COURSE in found) == (state != "tn")


def test_each_exports_its_own_enrolments(
    states: States, extracts: dict[str, Path], tmp_path: Path
) -> None:
    for state in ("ap", "up"):
        report = api.export(states.settings[state], all_courses=True, output_dir=tmp_path / state)
        written = {
            (file.course_id, batch): Path(file.file).read_bytes()
            for file in report.files
            for batch in file.batches
        }
        expected = make_reports(extracts[state]).files
        if state == "ap":
            assert written == expected
        else:  # Its days are of another time zone.
            rows = {batch: content.count(b"\n") for batch, content in written.items()}
            assert rows == {batch: content.count(b"\n") for batch, content in expected.items()}


def test_each_has_only_its_own_requests(states: States) -> None:
    for state, settings in states.settings.items():
        assert requests_in(settings) == [states.requests[state]]
    ap, up = states.requests["ap"], states.requests["up"]
    assert (ap.course_id, ap.batch_ids, ap.requester) == (up.course_id, up.batch_ids, up.requester)
    assert len({one.request_id for one in states.requests.values()}) == len(STATES)


def test_each_keeps_its_files_in_its_own_folder(states: States) -> None:
    project = states.settings["ap"].project_dir
    folders = {"ap": "files-of-ap", "tn": "results/tn", "up": "results/up"}
    for state, request in states.requests.items():
        assert request.status == Status.SUCCESS, request.error
        folder = project / folders[state] / request.dataset / request.request_id
        files = {Path(file) for file in request.files.values()}
        assert {file.parent for file in files} == {folder}
        assert {file.name for file in files} == {one.name for one in states.downloaded(state)}
    everywhere = {file.name for file in project.rglob("*_progress_*.csv")}
    assert everywhere == {one.name for state in STATES for one in states.downloaded(state)}


def test_each_has_its_own_time_zone(states: States) -> None:
    zones = {"ap": "Asia/Kolkata", "tn": "Asia/Kolkata", "up": "UTC"}
    for state, zone in zones.items():
        assert {one["report_timezone"] for one in states.receipts(state)} == {zone}
        assert {one["build"]["variables"]["landing_schema"] for one in states.receipts(state)} == {
            f"raw_{state}"
        }
        for file in states.downloaded(state):
            assert api.verify(file, project=states.settings[state]).is_unchanged


def test_only_one_requires_a_user_id(states: States) -> None:
    assert api.courses(states.settings["ap"])
    assert api.courses(states.settings["up"])
    with pytest.raises(PermissionDenied, match="requires a user ID"):
        api.courses(states.settings["tn"])
