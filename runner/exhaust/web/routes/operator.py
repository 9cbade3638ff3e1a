"""What operators see: the data, workers, the disk, everybody's requests, and who took what."""

from collections import Counter
from contextlib import suppress
from math import ceil

from starlette.requests import Request
from starlette.responses import Response

from exhaust import api
from exhaust.errors import Busy
from exhaust.web.pages import page, page_number
from exhaust.web.render import render
from exhaust.web.site import site_of

PATH = "/operator"
ON_A_PAGE = 50
MAX_DOWNLOADS = 500


def overview(request: Request) -> Response:
    """Shows how the data, the workers and the disk are."""
    project = site_of(request).project
    data = {}
    # During a build, every page says that the data is being renewed.
    with suppress(Busy):
        data = {"info": api.info(project), "set_aside": api.set_aside(project)}
    return render(
        request,
        "operator.html",
        data=data,
        states=Counter(one.status.value for one in api.requests(project)),
        workers=api.workers(project),
        disk=api.disk_use(project),
        retention_days=project.results_retention.days,
    )


def requests(request: Request) -> Response:
    """Shows the requests of everybody, newest first."""
    found = api.requests(site_of(request).project)
    last = max(1, ceil(len(found) / ON_A_PAGE))
    number = page_number(request, last)
    return render(
        request,
        "operator_requests.html",
        found=len(found),
        requests=found[(number - 1) * ON_A_PAGE : number * ON_A_PAGE],
        number=number,
        last=last,
    )


def downloads(request: Request) -> Response:
    """Shows who took which files, newest first."""
    project = site_of(request).project
    return render(
        request,
        "operator_downloads.html",
        downloads=api.downloads(project, limit=MAX_DOWNLOADS),
        most=MAX_DOWNLOADS,
        all_files=api.ALL_FILES,
        kept_days=project.web.download_log.days,
    )


ROUTES = [
    page(PATH, overview, only_operators=True),
    page(f"{PATH}/requests", requests, only_operators=True),
    page(f"{PATH}/downloads", downloads, only_operators=True),
]
