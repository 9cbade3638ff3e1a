"""The pages in a real Chromium: a built sample, a server for each person, and what every page has
to be."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from serve_support import Server, serving
from support import PROJECT

from exhaust import api
from exhaust.project.settings import Settings, read_settings
from exhaust.reports.form import ReportForm
from exhaust.reports.formats import Format
from exhaust.requests.entities import Request
from exhaust.requests.ledger import Ledger

CHROMIUM = "/usr/bin/chromium"
AXE = (Path(__file__).parent / "browser" / "axe-core-4.14.1.min.js").read_text("utf-8")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]

CREATOR = "90e616e7-8a79-52d7-99e9-3aaf5457b015"
MENTOR = "911ce132-8344-52ec-b886-dd566ca43537"
OTHER_MENTOR = "1671e7e9-5b05-549d-985b-3f7af90e845f"
"""A mentor of one batch, from another tenant. In the sample, this is a learner."""
STRANGER = "00000000-0000-0000-0000-000000000000"
COURSE = "do_31300000000000000001"
COURSE_NAME = "Foundational Literacy and Numeracy"
TERM_1, PLACES, NOT_BEGUN = "0130300000000000101", "0130300000000000102", "0130300000000000104"
PHONE, DESKTOP, ZOOMED = (320, 640), (1280, 900), (640, 450)
"""Sizes in CSS pixels: a page of 1280 pixels has 640 at 200 %."""


@dataclass
class Stage:
    """A built sample, and the servers of those who look at it. Use it as a context manager."""

    settings: Settings
    folder: Path
    browser: Browser
    stack: ExitStack = field(default_factory=ExitStack)
    servers: dict[str | None, tuple[str, list[Any]]] = field(default_factory=dict)

    @contextmanager
    def server(self, user_id: str | None, workers: int = 0) -> Iterator[Server]:
        folder = self.folder / f"server-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        options = [] if user_id is None else ["--as", user_id]
        with serving(self.settings, folder, "--workers", str(workers), *options) as server:
            yield server

    def address_and_cookies(self, user_id: str | None) -> tuple[str, list[Any]]:
        """Returns where the server of a person answers, and the cookies of their session."""
        if user_id not in self.servers:
            client = self.stack.enter_context(self.server(user_id)).client()
            address = str(client.base_url)
            cookies = [
                {"name": one.name, "value": one.value, "url": address} for one in client.cookies.jar
            ]
            self.servers[user_id] = (address, cookies)
        return self.servers[user_id]

    @contextmanager
    def page(
        self, user_id: str | None, size: tuple[int, int] = DESKTOP, **options: Any
    ) -> Iterator[Page]:
        """Gives a page of a browser in which a person is signed in."""
        address, cookies = self.address_and_cookies(user_id)
        with self.context(base_url=address, size=size, **options) as context:
            context.add_cookies(cookies)
            yield context.new_page()

    @contextmanager
    def context(
        self, size: tuple[int, int] = DESKTOP, locale: str = "en-GB", **options: Any
    ) -> Iterator[BrowserContext]:
        width, height = size
        context = self.browser.new_context(
            viewport={"width": width, "height": height}, locale=locale, **options
        )
        context.set_default_timeout(20_000)
        try:
            yield context
        finally:
            context.close()

    def request(
        self, batch: str, user_id: str = CREATOR, format: Format = Format.CSV, **form: Any
    ) -> Request:
        """Requests a report, as the pages do."""
        return api.submit(
            self.settings,
            COURSE,
            batches=[batch],
            user_id=user_id,
            form=ReportForm(format=format, **form),
        )

    def process(self) -> list[Request]:
        return [*api.process(self.settings)]

    def fail(self, reason: str) -> None:
        """Lets the request that waits longest fail."""
        with Ledger.open(self.settings.profile) as ledger:
            claim = ledger.claim("a worker")
            assert claim
            ledger.fail(claim, reason, is_final=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()


@contextmanager
def built_stage(folder: Path) -> Iterator[Stage]:
    """Builds the sample, in which a mentor of another tenant has been added, in a new project."""
    extract = folder / "extract"
    shutil.copytree(PROJECT / "seeds", extract, ignore=shutil.ignore_patterns("*.yml"))
    batches = extract / "course_batch.csv"
    own, others = f"{PLACES},Where learners are,{CREATOR},", "[]"
    text = batches.read_text("utf-8")
    assert own + others in text
    mentors = f'"[""{OTHER_MENTOR}""]"'
    batches.write_text(text.replace(own + others, own + mentors), "utf-8")
    api.init(folder / "project")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("EXHAUST_", "DBT_", "PG"))
    }
    environment |= {
        "EXHAUST_TARGET": "duckdb",
        "EXHAUST_DUCKDB_PATH": str(folder / "sample.duckdb"),
        "HOME": str(folder),
    }
    settings = read_settings(folder / "project", environ=environment, use_example=True)
    api.load(settings, extract)
    assert not api.build(settings).failed
    (folder / "servers").mkdir()
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else []
        ) as browser,
        Stage(settings, folder / "servers", browser) as stage,
    ):
        yield stage


def faults(page: Page) -> list[str]:
    """Returns how a page breaks WCAG 2.1 AA, or is wider than the window."""
    page.evaluate(AXE)
    found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", WCAG)
    wrong = [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
    width, most = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    return [*wrong, *([f"{width} pixels wide, of {most}"] if width > most else [])]
