"""What people do with the pages: with a mouse, a keyboard, a phone, without scripts."""

import re
import zipfile
from pathlib import Path

from browser_support import (
    COURSE,
    COURSE_NAME,
    CREATOR,
    MENTOR,
    NOT_BEGUN,
    OTHER_MENTOR,
    PHONE,
    PLACES,
    STRANGER,
    TERM_1,
    Stage,
    faults,
)
from playwright.sync_api import Locator, Page, expect

from exhaust.pipeline.lease import holding_target

BATCH = f"/courses/{COURSE}/batches"
UNCHANGED = "This file is unchanged."


def request_report(page: Page, batch: str, format: str = "CSV: for other programs") -> None:
    page.goto(f"{BATCH}/{batch}")
    page.get_by_label(format).check()
    page.get_by_role("button", name="Request").click()
    expect(page).to_have_url(re.compile("/requests/"))


def download(page: Page, folder: Path, link: str | re.Pattern[str]) -> Path:
    with page.expect_download() as started:
        page.get_by_role("link", name=link).first.click()
    file = folder / started.value.suggested_filename
    started.value.save_as(file)
    return file


def check(page: Page, file: Path) -> None:
    page.get_by_role("link", name="Check a file").click()
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Check").click()


def test_a_creator_goes_from_the_search_to_a_verified_file(stage: Stage, tmp_path: Path) -> None:
    """With a real worker, and an address that signs in once."""
    with stage.server(CREATOR, workers=1) as server, stage.context() as context:
        server.wait()
        page = context.new_page()
        page.goto(server.address())
        expect(page.get_by_role("heading", level=1)).to_have_text("Courses")
        page.goto(server.address())
        expect(page.get_by_text("This address has been used")).to_be_visible()
        page.get_by_role("link", name="Course reports").click()
        page.get_by_role("searchbox").fill("foundational literacy and numeracy")
        expect(page.get_by_text("2 courses")).to_be_visible()
        page.get_by_role("link", name=COURSE_NAME, exact=True).click()
        page.get_by_role("link", name="Where learners are").click()
        expect(page.get_by_role("heading", name="Districts")).to_be_visible()
        page.get_by_role("button", name="Request the report").click()
        # Nothing is clicked: the page follows the request.
        expect(page.get_by_text("Ready, 23 rows")).to_be_visible(timeout=60_000)
        file = download(page, tmp_path, re.compile(r"\.xlsx$"))
        assert zipfile.is_zipfile(file)
        check(page, file)
        expect(page.get_by_text(UNCHANGED)).to_be_visible()
        expect(page.get_by_text("It has 23 rows.")).to_be_visible()
        file.write_bytes(file.read_bytes()[:-100])
        check(page, file)
        expect(page.get_by_text(UNCHANGED)).to_be_hidden()
        page.get_by_role("link", name="My reports").click()
        expect(page.get_by_role("link", name=COURSE_NAME).first).to_be_visible()


def test_a_mentor_gets_the_batches_that_they_mentor(stage: Stage) -> None:
    with stage.page(MENTOR) as page:
        page.goto("/")
        expect(page.get_by_text("1 course", exact=True)).to_be_visible()
        page.get_by_role("link", name=COURSE_NAME).click()
        expect(page.get_by_text("2 batches")).to_be_visible()
        page.goto(f"{BATCH}/{PLACES}")
        expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here for you")


def test_a_mentor_of_another_tenant_sees_their_own_learners(stage: Stage, tmp_path: Path) -> None:
    with stage.page(OTHER_MENTOR) as page:
        page.goto(f"{BATCH}/{PLACES}")
        expect(page.get_by_text("You see the learners of your own organisation.")).to_be_visible()
        request_report(page, PLACES)
        stage.process()
        expect(page.get_by_text("Ready, 7 rows")).to_be_visible()
        file = download(page, tmp_path, re.compile(r"\.csv$"))
        assert file.read_text("utf-8").count("\n") == 8
        check(page, file)
        expect(page.get_by_text(UNCHANGED)).to_be_visible()


def test_a_stranger_sees_nothing_and_learns_nothing(stage: Stage) -> None:
    request = stage.request(TERM_1)
    stage.process()
    with stage.page(STRANGER) as page:
        page.goto("/")
        expect(page.get_by_text("There are no courses for you here.")).to_be_visible()
        texts = set()
        for path in (
            f"/courses/{COURSE}",
            "/courses/do_0",
            f"{BATCH}/{TERM_1}",
            f"/requests/{request.request_id}",
            f"/requests/{request.request_id}/files",
            "/requests/0",
            "/operator",
            "/nowhere",
        ):
            answer = page.goto(path)
            assert answer
            assert answer.status == 404
            texts.add(page.locator("main").inner_text())
        assert len(texts) == 1
        assert COURSE_NAME not in texts.pop()


def test_two_people_ask_for_the_same_batch_at_once(stage: Stage, tmp_path: Path) -> None:
    with stage.page(CREATOR) as first, stage.page(MENTOR) as second:
        request_report(first, TERM_1)
        second.goto(f"{BATCH}/{TERM_1}")
        expect(second.get_by_text("the course's creator (CSV)")).to_be_visible()
        request_report(second, TERM_1, "Excel: to look at")
        assert len(stage.process()) == 2
        for page, ending in ((first, "csv"), (second, "xlsx")):
            expect(page.get_by_text("Ready, 12 rows")).to_be_visible()
            file = download(page, tmp_path, re.compile(rf"\.{ending}$"))
            assert file.stat().st_size > 0
        # The address of one person's request is none for the other.
        answer = second.goto(f"/requests/{first.url.rpartition('/')[2]}")
        assert answer
        assert answer.status == 404


def test_a_request_that_fails_says_why(stage: Stage) -> None:
    with stage.page(CREATOR) as page:
        request_report(page, NOT_BEGUN)
        expect(page.get_by_text("Waiting, 1st in the queue")).to_be_visible()
        stage.fail("The rights have changed.")
        expect(page.get_by_text("The rights have changed.")).to_be_visible()
        expect(page.get_by_role("status").get_by_text("Failed")).to_be_visible()


def test_a_request_can_be_cancelled_and_made_again(stage: Stage) -> None:
    with stage.page(CREATOR) as page:
        request_report(page, NOT_BEGUN)
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("status").get_by_text("Cancelled")).to_be_visible()
        request_report(page, NOT_BEGUN)
        stage.process()
        expect(page.get_by_text("Ready, 0 rows")).to_be_visible()


def test_reports_are_requested_while_a_build_runs(stage: Stage) -> None:
    with stage.page(CREATOR) as page:
        page.goto("/")
        with holding_target(stage.settings, "build"):
            request_report(page, NOT_BEGUN)
            expect(page.get_by_text("The data is being renewed.")).to_be_visible()
        stage.process()
        expect(page.get_by_text("Ready, 0 rows")).to_be_visible()


def test_all_of_it_works_without_scripts(stage: Stage, tmp_path: Path) -> None:
    with stage.page(CREATOR, java_script_enabled=False) as page:
        page.goto("/")
        page.get_by_role("searchbox").fill(COURSE)
        page.get_by_role("button", name="Search").click()
        page.get_by_role("link", name=COURSE_NAME).click()
        page.get_by_role("link", name="Term 1, June 2024").click()
        page.get_by_label("CSV for Excel").check()
        page.get_by_role("button", name="Request the report").click()
        stage.process()
        page.get_by_role("link", name="Look again").click()
        expect(page.get_by_text("Ready, 12 rows")).to_be_visible()
        file = download(page, tmp_path, re.compile(r"\.csv$"))
        check(page, file)
        expect(page.get_by_text(UNCHANGED)).to_be_visible()


def test_in_hindi_names_stay_and_words_change(stage: Stage) -> None:
    with stage.page(CREATOR, locale="hi-IN") as page:
        page.goto("/")
        expect(page.locator("html")).to_have_attribute("lang", "hi")
        expect(page.get_by_role("heading", level=1)).to_have_text("पाठ्यक्रम")
        page.get_by_role("searchbox").fill("कहानी")
        page.get_by_role("link", name="कहानी सुनाना").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("कहानी सुनाना")
        # The language can be changed on the page, and stays.
        page.locator("#language").select_option("en")
        page.locator("footer button").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        page.goto("/requests")
        expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_phone_shows_all_of_it(stage: Stage, tmp_path: Path) -> None:
    with stage.page(CREATOR, PHONE, has_touch=True, is_mobile=True) as page:
        page.goto("/")
        page.get_by_role("link", name=COURSE_NAME, exact=True).tap()
        page.get_by_role("link", name="Term 1, June 2024").tap()
        expect(page.get_by_role("heading", level=1)).to_have_text("Term 1, June 2024")
        assert faults(page) == []
        page.get_by_role("button", name="Request the report").tap()
        expect(page.get_by_text("Waiting, 1st in the queue")).to_be_visible()
        stage.process()
        expect(page.get_by_text("Ready, 12 rows")).to_be_visible()
        assert faults(page) == []
        assert download(page, tmp_path, re.compile(r"\.xlsx$")).stat().st_size > 0


def test_the_keyboard_is_enough(stage: Stage) -> None:
    with stage.page(CREATOR) as page:
        page.goto("/")
        page.keyboard.press("Tab")
        expect(page.get_by_text("Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        press_until(page, page.get_by_role("searchbox"))
        page.keyboard.type("orientation")
        page.keyboard.press("Enter")
        expect(page.get_by_text("1 course", exact=True)).to_be_visible()
        press_until(page, page.get_by_role("link", name="Orientation"))
        page.keyboard.press("Enter")
        press_until(page, page.get_by_role("link", name="No leaf in the course"))
        page.keyboard.press("Enter")
        press_until(page, page.get_by_label("Excel: to look at"))
        page.keyboard.press("ArrowDown")
        expect(page.get_by_label("CSV for Excel")).to_be_checked()
        press_until(page, page.get_by_role("button", name="Request the report"))
        page.keyboard.press("Enter")
        expect(page.get_by_text("Waiting, 1st in the queue")).to_be_visible()
        press_until(page, page.get_by_role("button", name="Cancel"))
        page.keyboard.press("Space")
        expect(page.get_by_role("status").get_by_text("Cancelled")).to_be_visible()


def press_until(page: Page, wanted: Locator) -> None:
    """Presses Tab until something has the focus, and checks that one sees where the focus is."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            break
    expect(wanted).to_be_focused()
    outline = wanted.evaluate("one => getComputedStyle(one).outlineStyle")
    assert outline != "none"
