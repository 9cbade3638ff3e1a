"""The files of requests: one by one, resumable, or all as one archive."""

from mimetypes import guess_type
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from exhaust import api
from exhaust.web.links import PATH, read_link
from exhaust.web.pages import page
from exhaust.web.site import site_of

if TYPE_CHECKING:
    from exhaust.requests.delivery import Delivery


def all_files(request: Request) -> Response:
    """Sends all files of a request, with their receipts, as one archive."""
    return _answer(
        api.deliver(
            site_of(request).project,
            request.path_params["request_id"],
            user_id=request.state.person.user_id,
        )
    )


def one_file(request: Request) -> Response:
    """Sends a file of a request, or the part of it that is still missing."""
    return _answer(
        api.deliver(
            site_of(request).project,
            request.path_params["request_id"],
            request.path_params["name"],
            user_id=request.state.person.user_id,
        )
    )


def linked(request: Request) -> Response:
    """Sends what a signed address stands for."""
    site = site_of(request)
    link = read_link(site, request.path_params["token"])
    delivery = api.deliver(
        site.project, link.request_id, link.file, user_id=link.user_id, by_link=True
    )
    return _answer(delivery)


def _answer(delivery: "Delivery") -> Response:
    if delivery.is_archive:
        # RFC 6266: the second is for names that are not ASCII.
        disposition = f"attachment; filename*=utf-8''{quote(delivery.name)}"
        headers = {"Content-Disposition": disposition, "Accept-Ranges": "none"}
        return StreamingResponse(delivery.archive(), 200, headers, "application/zip")
    (file,) = delivery.files
    kind = guess_type(delivery.name)[0] or "application/octet-stream"
    return FileResponse(file, media_type=kind, filename=delivery.name)


ROUTES = [
    page("/requests/{request_id}/files", all_files),
    page("/requests/{request_id}/files/{name}", one_file),
    page(PATH + "{token}", linked, is_open=True),
]
for route in ROUTES:
    # Asking for the headers alone would be written down as a download.
    route.methods = {"GET"}
