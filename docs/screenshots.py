"""Writes the pictures of docs/page.md: `make screenshots`."""

from pathlib import Path
from tempfile import TemporaryDirectory

from browser_support import (
    COURSE,
    CREATOR,
    PHONE,
    PLACES,
    TERM_1,
    Stage,
    built_stage,
)
from playwright.sync_api import Page

from exhaust.reports.formats import Format

IMAGES = Path(__file__).with_name("images")
MAX_BYTES = 200_000


def write(page: Page, name: str, *, is_whole: bool = False) -> None:
    """Writes a picture of a page, or of the part that a window shows."""
    file = IMAGES / f"{name}.png"
    page.screenshot(path=file, full_page=is_whole, animations="disabled")
    if file.stat().st_size > MAX_BYTES:
        raise SystemExit(f"{file} has {file.stat().st_size:,} bytes; {MAX_BYTES:,} are allowed.")


def of_a_creator(stage: Stage) -> None:
    batch = f"/courses/{COURSE}/batches/{TERM_1}"
    # So that a worker has been seen.
    stage.process()
    with stage.page(CREATOR, (1000, 700)) as page:
        page.goto("/")
        page.get_by_role("searchbox").fill("literacy")
        page.get_by_text("2 courses").wait_for()
        write(page, "courses")
        page.goto(f"/courses/{COURSE}")
        write(page, "course")
        page.goto(batch)
        write(page, "batch")
        page.locator("#summary").evaluate("heading => heading.scrollIntoView()")
        write(page, "summary")
        page.get_by_role("button", name="Request the report").click()
        page.get_by_text("1st in the queue").wait_for()
        write(page, "waiting")
        stage.process()
        page.get_by_text("Ready, 12 rows").wait_for()
        write(page, "ready", is_whole=True)
        (file,) = stage.settings.results_dir.rglob("*.xlsx")
        page.goto("/check")
        page.get_by_label("File", exact=True).set_input_files(file)
        page.get_by_role("button", name="Check").click()
        page.get_by_text("This file is unchanged.").wait_for()
        write(page, "checked")
        stage.request(PLACES, format=Format.CSV_EXCEL)
        page.goto("/requests")
        write(page, "my-reports")


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="exhaust-") as folder, built_stage(Path(folder)) as stage:
        of_a_creator(stage)
        with stage.page(CREATOR, (1000, 700), locale="hi-IN") as page:
            page.goto(f"/courses/{COURSE}")
            write(page, "hindi")
        with stage.page(CREATOR, PHONE, device_scale_factor=2) as page:
            page.goto(f"/courses/{COURSE}/batches/{TERM_1}")
            write(page, "phone")
        with stage.page(None, (1000, 700)) as page:
            page.goto("/operator")
            write(page, "operator")


if __name__ == "__main__":
    main()
