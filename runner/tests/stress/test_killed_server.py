"""A server that is killed while many people ask: each gets their own reports, each of them once.

`make stress` has fifty people, and kills the server twenty times.
"""

import io
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TypeVar

import httpx
import psutil
import pytest
import yaml
from handmade_marts import PLAN, add_batch, insert
from handmade_summaries import with_summaries
from processes_support import exhaust, let_leases_of_requests_end
from python_calamine import CalamineWorkbook
from serve_support import answers
from support import wait_until
from web_support import csrf_of

from exhaust.project.settings import Settings
from exhaust.reports.receipt import receipt_path
from exhaust.reports.verify import verify
from exhaust.requests.entities import Status
from exhaust.requests.ledger import Ledger
from exhaust.warehouse import connect
from exhaust.web.identity.proxy import SECRET_HEADER

pytestmark = pytest.mark.not_on_spark

PEOPLE = int(os.environ.get("EXHAUST_PEOPLE", "6"))
KILLS = int(os.environ.get("EXHAUST_SERVER_KILLS", "2"))
LEARNERS = 300
"""Learners in the batch of each person."""
FORMATS = ("xlsx", "csv", "csv-excel")
SECRET = "the secret of a proxy that tests play"
ENOUGH = 600.0
"""Seconds after which nothing is waited for any more."""
T = TypeVar("T")


class Server:
    """`exhaust serve` on one port, behind a proxy that the test plays; it can be killed."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.results = folder / "project" / "results" / settings.profile.target
        self._settings = settings
        self._log = folder / "log"
        self._environment = {
            **settings.environment,
            "EXHAUST_PROJECT_DIR": str(self._project_in(folder)),
            "EXHAUST_PROXY_SECRET": SECRET,
        }
        self._command = exhaust("serve", "--port", str(port), "--no-browser")
        self._start()

    def _project_in(self, folder: Path) -> Path:
        project = folder / "project"
        environment = dict(self._settings.environment)
        subprocess.run(exhaust("init", str(project)), env=environment, check=True)
        file = project / "dbt_project.yml"
        settings = yaml.safe_load(file.read_text("utf-8"))
        settings.setdefault("vars", {}).update(
            web_identity="proxy", web_public_url=self.url, trusted_proxies=["127.0.0.1/32"]
        )
        file.write_text(yaml.safe_dump(settings), "utf-8")
        return project

    def _start(self) -> None:
        with self._log.open("ab") as output:
            self._child = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        with httpx.Client(base_url=self.url) as client:
            wait_until(lambda: answers(client))

    def replace(self, *, with_workers: bool) -> None:
        """Kills the server, and perhaps its workers too, as a power cut does; starts another.

        Time passes between them: what the killed worker held can be had again.
        """
        workers = psutil.Process(self._child.pid).children(recursive=True)
        for process in (self._child, *(workers if with_workers else ())):
            process.kill()
        self._child.wait()
        psutil.wait_procs(workers, 30)
        let_leases_of_requests_end(self._settings)
        self._start()

    def stop(self) -> int:
        self._child.terminate()
        return self._child.wait(60)

    def kill(self) -> None:
        self._child.kill()

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8")


class Person(Thread):
    """Somebody who requests their report in each format and tries again until each is there."""

    def __init__(self, number: int, url: str) -> None:
        super().__init__(daemon=True)
        self.user_id = f"p{number}"
        self.course = f"do_p{number}"
        self.batch = f"b{number}"
        self.files: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.trouble: BaseException | None = None
        headers = {SECRET_HEADER: SECRET, "X-Exhaust-User": self.user_id}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=30)

    def run(self) -> None:
        try:
            for name in FORMATS:
                where = patiently(self._ask, name)
                self.requests.append(where)
                file = patiently(self._file_of, where)
                self.files[file] = patiently(self._content, file)
        except BaseException as error:
            self.trouble = error

    def _ask(self, name: str) -> str | None:
        """Returns where the report is followed; looks first whether it was requested before the
        server was killed."""
        listed = re.findall(r'href="(/requests/[0-9A-F]{32})"', self._page("/requests"))
        for where in listed:
            if where not in self.requests:
                return str(where)
        path = f"/courses/{self.course}/batches/{self.batch}"
        form = {"csrf": csrf_of(self._page(path)), "format": name}
        answer = self._client.post(f"{path}/request", data=form)
        return answer.headers["location"] if answer.status_code == 303 else None

    def _file_of(self, where: str) -> str | None:
        page = self._page(where)
        assert "Failed" not in page, page
        found = re.search(rf'href="({where}/files/[^"]+)"', page)
        return found and found[1]

    def _page(self, path: str) -> str:
        return self._content(path).decode()

    def _content(self, path: str) -> bytes:
        return self._client.get(path).raise_for_status().content

    def is_refused(self, path: str) -> bool:
        return self._client.get(path).status_code == 404


def patiently(call: Callable[[str], T | None], text: str) -> T:
    """Returns what a call returns, after as many tries as a server that is killed needs."""
    found: list[T] = []

    def succeeds() -> bool:
        try:
            one = call(text)
        except (httpx.TransportError, httpx.HTTPStatusError):
            return False
        found.extend([] if one is None else [one])
        return one is not None

    wait_until(succeeds, ENOUGH)
    return found[0]


def add_people(settings: Settings) -> None:
    """Adds people who each have created a course with a batch and its learners."""
    with connect(settings.profile, writing=True) as warehouse:
        for number in range(PEOPLE):
            person, course, batch = f"p{number}", f"do_p{number}", f"b{number}"
            insert(
                warehouse,
                settings,
                "courses",
                f"('{course}', 'Course {number}', 'Live', 't', 'State', '{person}', 1, "
                f"{LEARNERS}, 0)",
            )
            add_batch(warehouse, settings, course, batch, "null", enrolled=LEARNERS)
            insert(warehouse, settings, "requesters", f"('{person}', 't')")
            insert(
                warehouse,
                settings,
                "requester_batches",
                f"('{person}', '{course}', '{batch}', true, {LEARNERS}, 1)",
            )
            insert(
                warehouse,
                settings,
                "course_report_columns",
                *(
                    f"('{course}', {ordinal}, '{column}', {warehouse.literal(label)}, '{kind}', "
                    "null, null)"
                    for ordinal, (column, label, kind, _) in enumerate(PLAN[:4], 1)
                ),
            )
            learners = range(LEARNERS)
            insert(
                warehouse,
                settings,
                "course_progress",
                *(
                    f"('{course}', '{batch}', '{person}-{learner:03}', 't', date '2026-02-01', "
                    f"{learner % 101}, null, null)"
                    for learner in learners
                ),
            )
            insert(
                warehouse,
                settings,
                "course_progress_details",
                *(
                    f"('{course}', '{batch}', '{person}-{learner:03}', 't', 'In progress', "
                    f"{', '.join(['null'] * 10)})"
                    for learner in learners
                ),
            )


@contextmanager
def serving(settings: Settings, folder: Path) -> Iterator[Server]:
    server = Server(settings, folder)
    try:
        yield server
    finally:
        server.kill()


def learners_in(name: str, content: bytes) -> list[str]:
    """Returns the learners in a report."""
    if name.endswith(".xlsx"):
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name("Report")
        text = "\n".join(str(row) for row in sheet.to_python())
    else:
        text = content.decode()
    return re.findall(r"p\d+-\d{3}", text)


def test_a_killed_server_loses_no_report_and_mixes_none(settings: Settings, tmp_path: Path) -> None:
    with_summaries(settings)
    add_people(settings)
    with serving(settings, tmp_path) as server:
        people = [Person(number, server.url) for number in range(PEOPLE)]
        for person in people:
            person.start()
        wanted = PEOPLE * len(FORMATS)
        for kill in range(KILLS):
            wait_until(partial(have, people, wanted * kill // KILLS), ENOUGH)
            server.replace(with_workers=bool(kill % 2))
        for person in people:
            person.join(ENOUGH)
            assert person.trouble is None, f"{person.user_id}: {person.trouble}\n{server.log}"
            assert len(person.files) == len(FORMATS)
            for name, content in person.files.items():
                expected = [f"{person.user_id}-{number:03}" for number in range(LEARNERS)]
                assert learners_in(name, content) == expected
        refuses_what_others_have(people)
        assert server.stop() == 0
    with Ledger.open(settings.profile, writing=False) as ledger:
        requests = ledger.requests()
    assert len(requests) == wanted
    assert {request.status for request in requests} == {Status.SUCCESS}
    made = [file for file in server.results.rglob("*.*") if file.suffix in (".csv", ".xlsx")]
    assert len(made) == wanted
    for file in made:
        assert not file.name.startswith(".")
        assert receipt_path(file).is_file()
        assert verify(file).is_unchanged
    assert "Traceback" not in server.log


def have(people: list[Person], files: int) -> bool:
    """Returns whether somebody has asked, and all of them together have so many files."""
    asked = any(person.requests for person in people)
    return asked and sum(len(person.files) for person in people) >= files


def refuses_what_others_have(people: list[Person]) -> None:
    """Checks that nobody gets the page or the file of the next person's report."""
    for person, other in zip(people, [*people[1:], people[0]], strict=True):
        for path in (*other.requests, *other.files):
            assert person.is_refused(path)
