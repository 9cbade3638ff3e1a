"""How long the pages of `exhaust serve` take while its worker makes reports.

    .venv/bin/python -m bench.pages [--engine postgres] [--rate 25] [--seconds 60]

A million enrolments in 100,000 batches of 30,000 courses. The views are an open loop: each begins
when it is due, whether or not those before it have ended, and its time counts from when it was
due. A third each are searches, courses and batches with their summaries. Those who look are the
creators, half of the courses being one's, a quarter another's and so on, and for a tenth of the
views the mentor of all batches. Requests for the largest batches, as Excel files, keep the worker
busy.
"""

import argparse
import asyncio
import itertools
import json
import math
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import yaml

from bench.run import BIN, PROJECT, Bench, machine, new_bench, smaller
from bench.shape import Shape, batch_id, course_id
from exhaust import api
from exhaust.marts.header_plan import additions
from exhaust.project.settings import Settings, read_settings
from exhaust.reports.form import Headers, ReportForm
from exhaust.reports.formats import Format
from exhaust.requests.entities import Status
from exhaust.web.identity.proxy import SECRET_HEADER

SHAPE = Shape(
    enrolments=1_000_000,
    batches=100_000,
    courses=30_000,
    skew=1,
    contents=10,
    assessments=3,
    attempts=1,
)
SECRET = "a secret of the benchmark and of nothing else"
WARM_UP_SECONDS = 5
WAITING = 3
"""Requests that the worker has before it at any time."""
LARGEST = 20
"""Batches that are exported, the largest first."""


class Views:
    """The views that people look at, chosen by a seed."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._random = random.Random(1)

    def next(self) -> tuple[str, str, str]:
        """Returns the kind of a view, its address, and who looks."""
        kind = self._random.choice(("search", "course", "batch"))
        # Large batches are looked at more often, as they have more people.
        batch = int(self._shape.batches ** self._random.random()) - 1
        number = batch % self._shape.courses
        course = course_id(number)
        is_mentor = self._random.random() < 0.1
        user_id = self._shape.user_id(0) if is_mentor else self._shape.creator(number)
        if kind == "search":
            # Half of them match many courses, and half one.
            text = self._random.choice((f"Course {number}"[:8], course))
            return kind, f"/?q={text}", user_id
        page = f"/courses/{course}"
        return kind, page if kind == "course" else f"{page}/batches/{batch_id(batch)}", user_id


async def look(url: str, views: Views, rate: float, seconds: float) -> dict[str, list[float]]:
    """Returns the milliseconds of each view, by kind. Raises RuntimeError if one fails."""
    found: dict[str, list[float]] = {}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)

    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client:

        async def one(due: float) -> None:
            kind, path, user_id = views.next()
            headers = {SECRET_HEADER: SECRET, "X-Exhaust-User": user_id}
            await asyncio.sleep(due - time.perf_counter())
            answer = await client.get(path, headers=headers)
            if answer.status_code != 200:
                raise RuntimeError(f"{path} answered {answer.status_code}: {answer.text[-500:]}")
            found.setdefault(kind, []).append(1000 * (time.perf_counter() - due))

        begin = time.perf_counter() + 0.1
        async with asyncio.TaskGroup() as group:
            for number in range(round(rate * seconds)):
                group.create_task(one(begin + number / rate))
    return found


class Requester(threading.Thread):
    """Requests reports of the largest batches, so that the worker always has some before it."""

    def __init__(self, project: Settings, shape: Shape) -> None:
        super().__init__(daemon=True)
        self._project = project
        self._shape = shape
        self.has_ended = threading.Event()

    def run(self) -> None:
        # The same report is not made twice: each has another form.
        wanted = itertools.product(additions(), Headers, range(LARGEST))
        while not self.has_ended.wait(0.5):
            waiting = len(self.requests(Status.SUBMITTED))
            for addition, headers, batch in itertools.islice(wanted, max(WAITING - waiting, 0)):
                api.submit(
                    self._project,
                    course_id(batch),
                    batches=[batch_id(batch)],
                    user_id=self._shape.creator(batch),
                    form=ReportForm(format=Format.XLSX, headers=headers, additions=(addition,)),
                )

    def requests(self, status: Status) -> list[Any]:
        found = api.requests(self._project)
        return [request for request in found if request.status is status]


def project_for(folder: Path, url: str) -> Path:
    """Writes a copy of the project in which a proxy says who is asking, and returns its folder."""
    copy = folder / "project"
    for name in ("models", "macros", "seeds", "tests"):
        shutil.copytree(PROJECT / name, copy / name)
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    project["vars"] |= {
        "web_identity": "proxy",
        "web_public_url": url,
        "trusted_proxies": ["127.0.0.1/32"],
    }
    (copy / "dbt_project.yml").write_text(yaml.safe_dump(project, sort_keys=False))
    return copy


@contextmanager
def serving(environment: Mapping[str, str], port: int, log: Path) -> Iterator[str]:
    """Runs `exhaust serve` with a worker, and gives its address when it answers."""
    url = f"http://127.0.0.1:{port}"
    command = [str(BIN / "exhaust"), "serve", "--port", str(port), "--no-browser"]
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            for _ in range(100):
                with suppress(httpx.TransportError):
                    httpx.get(f"{url}/ready").raise_for_status()
                    break
                time.sleep(0.2)
            else:
                raise RuntimeError(f"The server does not answer:\n{log.read_text()}")
            yield url
        finally:
            child.terminate()
            child.wait(60)


def measure(bench: Bench, engine: str, shape: Shape, rate: float, seconds: float) -> dict[str, Any]:
    """Returns the figures of an engine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="pages-", dir=bench.folder))
    warehouse = bench.warehouse(engine, "pages")
    warehouse.environment["EXHAUST_PROJECT_DIR"] = str(
        project_for(folder, f"http://127.0.0.1:{port}")
    )
    warehouse.exhaust("load", str(bench.extract("pages", shape)))
    warehouse.exhaust("build")
    environment = warehouse.environment | {"EXHAUST_PROXY_SECRET": SECRET}
    project = read_settings(
        Path(environment["EXHAUST_PROJECT_DIR"]),
        profiles_dir=Path(environment["EXHAUST_PROFILES_DIR"]),
        environ=environment,
    )
    with serving(environment, port, folder / "log") as url:
        requester = Requester(project, shape)
        requester.start()
        views = Views(shape)
        asyncio.run(look(url, views, rate, WARM_UP_SECONDS))
        before = len(requester.requests(Status.SUCCESS))
        times = asyncio.run(look(url, views, rate, seconds))
        made = len(requester.requests(Status.SUCCESS)) - before
        requester.has_ended.set()
        requester.join()
    every = [one for kind in times.values() for one in kind]
    return {
        "engine": engine,
        "views": len(every),
        "reports made meanwhile": made,
        "all, ms": spread(every),
        **{f"{kind}, ms": spread(times[kind]) for kind in sorted(times)},
    }


def spread(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "median": round(statistics.median(ordered), 1),
        "95 %": round(ordered[math.ceil(0.95 * len(ordered)) - 1], 1),
        "most": round(ordered[-1], 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("duckdb", "postgres"), action="append")
    parser.add_argument("--rate", type=float, default=25, help="views a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--divisor", type=int, default=1, help="1 is full size")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with new_bench(given.folder) as opened:
        for name in given.engine or ("duckdb", "postgres"):
            shape = smaller(SHAPE, given.divisor)
            figures = measure(opened, name, shape, given.rate, given.seconds)
            print(json.dumps(machine() | figures, indent=2))
            sys.stdout.flush()
