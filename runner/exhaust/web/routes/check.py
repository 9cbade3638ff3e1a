"""Checking a file that somebody sends against its receipt."""

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from exhaust import api
from exhaust.errors import Busy
from exhaust.reports.caged import Comparison
from exhaust.text import Message
from exhaust.web.pages import limited_by, page
from exhaust.web.receiving import Intake
from exhaust.web.render import render
from exhaust.web.site import site_of

PATH = "/check"
MAX_BYTES = 50_000_000
FIELDS_BYTES = 100_000
"""What a form has besides its files."""
UPLOAD = Intake(MAX_BYTES + FIELDS_BYTES, max_fields=10, max_files=2, max_seconds=600)


def form(request: Request) -> Response:
    return _show(request)


def check(request: Request) -> Response:
    """Says whether a file is as it was made, and if not, what has changed."""
    sent = request.state.form
    file, receipt = sent.get("file"), sent.get("receipt")
    if not isinstance(file, UploadFile) or not file.filename:
        return _show(request, status=422, is_missing=True)
    turns = site_of(request).check_turns
    if not turns.acquire(blocking=False):
        raise Busy(
            Message("Other files are being checked right now."),
            Message("Try again in half a minute."),
        )
    try:
        comparison = api.check_upload(
            site_of(request).project,
            file.filename,
            file.file,
            receipt.file if isinstance(receipt, UploadFile) and receipt.filename else None,
            user_id=request.state.person.user_id,
            password=str(sent.get("password") or "") or None,
        )
    finally:
        turns.release()
    return _show(request, comparison, file.filename, 422 if comparison.problem else 200)


def _show(
    request: Request,
    comparison: Comparison | None = None,
    name: str = "",
    status: int = 200,
    is_missing: bool = False,
) -> Response:
    return render(
        request,
        "check.html",
        status,
        name=name,
        comparison=comparison,
        is_missing=is_missing,
        max_bytes=MAX_BYTES,
    )


ROUTES = [
    page(PATH, form),
    page(
        PATH,
        check,
        ["POST"],
        checks=[limited_by(lambda site: site.checks)],
        intake=UPLOAD,
    ),
]
