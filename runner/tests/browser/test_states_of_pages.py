"""Every page and state: nothing in it breaks WCAG 2.1 AA, at each size and in each language."""

from collections.abc import Callable

import pytest
from browser_support import (
    COURSE,
    CREATOR,
    DESKTOP,
    NOT_BEGUN,
    OTHER_MENTOR,
    PHONE,
    PLACES,
    STRANGER,
    TERM_1,
    ZOOMED,
    Stage,
    faults,
)
from playwright.sync_api import ConsoleMessage, Page

from exhaust.pipeline.lease import holding_target
from exhaust.reports.formats import Format

Go = Callable[[Stage, Page], None]
BATCH = f"/courses/{COURSE}/batches"
LEARNER = "13a9a3d6-bc1c-584d-9656-c2d0cc34871d"


def request_of(stage: Stage, state: str) -> str:
    """Returns the address of a request in a state."""
    request = stage.request(NOT_BEGUN)
    address = f"/requests/{request.request_id}"
    if state == "waiting":
        return address
    if state == "failed":
        stage.fail("The course has been taken out of the data.")
    elif state == "ready":
        stage.process()
    return address


def in_state(state: str) -> Go:
    def go(stage: Stage, page: Page) -> None:
        page.goto(request_of(stage, state))

    return go


def searched(stage: Stage, page: Page) -> None:
    page.goto("/")
    page.get_by_role("searchbox").fill("no such course")
    page.get_by_text("0 courses").wait_for()


def refused(stage: Stage, page: Page) -> None:
    page.goto(f"{BATCH}/{TERM_1}")
    page.get_by_label("Password of the file").fill("short")
    page.get_by_role("button", name="Request").click()
    page.get_by_text("The report was not requested.").wait_for()


def under_way(stage: Stage, page: Page) -> None:
    stage.request(TERM_1)
    page.goto(f"{BATCH}/{TERM_1}")
    page.get_by_text("Under way for this batch").wait_for()


def compared(stage: Stage, page: Page) -> None:
    pair = [stage.request(TERM_1, format=one) for one in (Format.CSV, Format.XLSX)]
    stage.process()
    page.goto(f"/requests/{pair[0].request_id}")
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("heading", level=1).wait_for()


def checked(more: bytes) -> Go:
    def go(stage: Stage, page: Page) -> None:
        request = stage.request(PLACES)
        stage.process()
        (file,) = stage.settings.results_dir.rglob(f"{request.request_id}/*.csv")
        check(page, file.name, file.read_bytes() + more)
        page.locator("#result").wait_for()

    return go


def not_checked(_: Stage, page: Page) -> None:
    check(page, "unknown.csv", b"a")
    page.get_by_text("None of your reports has this file").wait_for()


def check(page: Page, name: str, content: bytes) -> None:
    page.goto("/check")
    page.get_by_label("File", exact=True).set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )
    page.get_by_role("button", name="Check").click()


PAGES = {
    "sign in": (CREATOR, "/sign-in"),
    "signed out": (CREATOR, "/signed-out"),
    "courses": (CREATOR, "/"),
    "course": (CREATOR, f"/courses/{COURSE}"),
    "retired course": (CREATOR, "/courses/do_31300000000000000004"),
    "batch": (CREATOR, f"{BATCH}/{TERM_1}"),
    "batch with places": (CREATOR, f"{BATCH}/{PLACES}"),
    "batch without learners": (CREATOR, f"{BATCH}/{NOT_BEGUN}"),
    "batch of the operator": (None, f"{BATCH}/{TERM_1}"),
    "batch of another tenant": (OTHER_MENTOR, f"{BATCH}/{PLACES}"),
    "places": (CREATOR, f"{BATCH}/{PLACES}/places"),
    "assessments": (CREATOR, f"{BATCH}/{TERM_1}/assessments"),
    "my reports": (CREATOR, "/requests"),
    "no reports": (STRANGER, "/requests"),
    "no courses": (STRANGER, "/"),
    "nothing here": (STRANGER, f"/courses/{COURSE}"),
    "explained": (CREATOR, f"/courses/{COURSE}/explain?batch={PLACES}&learner={LEARNER}"),
    "not explained": (CREATOR, f"/courses/{COURSE}/explain?learner=x"),
    "check": (CREATOR, "/check"),
    "operation": (None, "/operator"),
    "all requests": (None, "/operator/requests"),
    "downloads": (None, "/operator/downloads"),
}
"""Pages that have an address: who looks at them, and where."""
WAYS: dict[str, tuple[str | None, Go]] = {
    "nothing found": (CREATOR, searched),
    "request refused": (CREATOR, refused),
    "request under way": (CREATOR, under_way),
    "waiting": (CREATOR, in_state("waiting")),
    "failed": (CREATOR, in_state("failed")),
    "ready": (CREATOR, in_state("ready")),
    "compared": (CREATOR, compared),
    "checked, changed": (CREATOR, checked(b"x")),
    "checked, unchanged": (CREATOR, checked(b"")),
    "not checked": (CREATOR, not_checked),
}
"""States of pages that somebody gets to by doing something."""


@pytest.mark.parametrize("state", [*PAGES, *WAYS])
def test_a_page_can_be_used_by_everybody(stage: Stage, state: str) -> None:
    person, where = PAGES.get(state) or WAYS[state]
    with stage.page(person) as page:
        messages: list[str] = []

        def note(message: ConsoleMessage) -> None:
            if message.type == "error":
                messages.append(message.text)

        page.on("console", note)
        page.on("pageerror", lambda error: messages.append(str(error)))
        if isinstance(where, str):
            page.goto(where)
        else:
            where(stage, page)
        found = {}
        for name, (width, height) in {
            "desktop": DESKTOP,
            "zoomed": ZOOMED,
            "phone": PHONE,
        }.items():
            page.set_viewport_size({"width": width, "height": height})
            found[name] = faults(page)
    assert found == {name: [] for name in found}
    # Browsers tell of what a policy forbids, and of errors; a page that is not there is none.
    assert [one for one in messages if "the server responded with a status of" not in one] == []


@pytest.mark.parametrize("language", ["hi", "ta"])
@pytest.mark.parametrize("state", PAGES)
def test_a_page_in_another_language_can_be_used_too(
    stage: Stage, state: str, language: str
) -> None:
    person, where = PAGES[state]
    with stage.page(person, locale=language, size=PHONE) as page:
        page.goto(where)
        assert page.locator("html").get_attribute("lang") == language
        assert faults(page) == []


def test_during_a_build_pages_say_so(stage: Stage) -> None:
    with stage.page(CREATOR) as page:
        page.goto("/")
        with holding_target(stage.settings, "build"):
            for path in ("/", f"/courses/{COURSE}", f"{BATCH}/{TERM_1}", "/requests", "/check"):
                page.goto(path)
                assert page.get_by_text("The data is being renewed.").first.is_visible()
                assert faults(page) == []
