"""The bodies of the portal's API, as Sunbird's own service writes them."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from exhaust import api
from exhaust.reports.form import ReportForm
from exhaust.reports.formats import Format
from exhaust.requests.entities import Request, Status
from exhaust.web.links import SECONDS, Link, signed_url
from exhaust.web.site import Site

PLAIN = "progress-exhaust"
EXCEL = "progress-exhaust-xlsx"
FORMATS: Mapping[str, Format] = {PLAIN: Format.CSV_EXCEL, EXCEL: Format.XLSX}
"""The datasets that are made here, and the format of each without a password."""
Body = dict[str, Any]


def form_of(dataset: str, *, is_protected: bool) -> ReportForm:
    """Returns the form of a dataset. Windows opens no encrypted zip, so a password means Excel."""
    return ReportForm(format=Format.XLSX if is_protected else FORMATS[dataset])


def dataset_of(request: Request) -> str:
    """Returns the portal's name for the report of a request, wherever it was requested."""
    asked_as = request.request_data.get("portalDataset", "")
    if asked_as in FORMATS:
        return str(asked_as)
    return EXCEL if request.form.format is Format.XLSX else PLAIN


def envelope(site: Site, name: str, result: object, code: str = "OK", error: str = "") -> Body:
    """Returns the body of an answer of `name` (submit, list, info); it failed if it has an
    error."""
    params: Body = {"resmsgid": str(uuid.uuid4())}
    if error:
        params |= {"err": code, "errmsg": error}
    params |= {"status": "failed" if error else "successful", "client_key": None}
    return {
        "id": f"ekstep.analytics.dataset.request.{name}",
        "ver": "1.0",
        "ts": site.clock.now().isoformat(timespec="milliseconds"),
        "params": params,
        "responseCode": code,
        "result": result,
    }


def job_of(site: Site, request: Request) -> Body:
    """Returns a request as the portal shows it, with a new address for its file."""
    failed = request.status in (Status.FAILED, Status.CANCELLED)
    reason = request.error if request.status is Status.FAILED else "The request was cancelled."
    return _job(
        site,
        request_id=request.request_id,
        tag=request.tag,
        dataset=dataset_of(request),
        requester=request.requester,
        channel=request.channel,
        status=Status.FAILED if failed else request.status,
        batch_ids=request.batch_ids,
        tries=request.tries,
        submitted_at=request.submitted_at,
        completed_at=request.completed_at,
        milliseconds=request.execution_time,
        urls=_urls(site, request),
        reason=reason if failed else None,
    )


def refused_job(
    site: Site,
    *,
    tag: str,
    dataset: str,
    requester: str,
    channel: str,
    batch_ids: Sequence[str],
    reason: str,
) -> Body:
    """Returns a refusal as a job that failed: its reason is all that a person sees."""
    now = site.clock.now()
    return _job(
        site,
        request_id=uuid.uuid4().hex.upper(),
        tag=tag,
        dataset=dataset,
        requester=requester,
        channel=channel,
        status=Status.FAILED,
        batch_ids=batch_ids,
        tries=0,
        submitted_at=now,
        completed_at=now,
        milliseconds=0,
        urls=[],
        reason=reason,
    )


def _job(
    site: Site,
    *,
    request_id: str,
    tag: str,
    dataset: str,
    requester: str,
    channel: str,
    status: Status,
    batch_ids: Sequence[str],
    tries: int,
    submitted_at: datetime,
    completed_at: datetime | None,
    milliseconds: int | None,
    urls: Sequence[str],
    reason: str | None,
) -> Body:
    job: Body = {
        "requestId": request_id,
        "tag": tag,
        "dataset": dataset,
        "requestedBy": requester,
        "requestedChannel": channel,
        "status": status.value,
        "lastUpdated": _milliseconds(completed_at or submitted_at),
        "datasetConfig": {"batchId": batch_ids[0] if len(batch_ids) == 1 else list(batch_ids)},
        "attempts": tries,
        "jobStats": {
            "dtJobSubmitted": _milliseconds(submitted_at),
            "dtJobCompleted": completed_at and _milliseconds(completed_at),
            "executionTime": milliseconds,
        },
        "downloadUrls": list(urls),
        "expiresAt": _milliseconds(site.clock.now() + timedelta(seconds=SECONDS)),
        "statusMessage": reason,
    }
    if not channel:
        # Sunbird leaves a text out that there is not.
        del job["requestedChannel"]
    return job


def _urls(site: Site, request: Request) -> list[str]:
    name = api.linked_file(site.project, request)
    if name is None:
        return []
    file = None if name == api.ALL_FILES else name
    return [signed_url(site, Link(request.request_id, file, request.requester))]


def _milliseconds(moment: datetime) -> int:
    """Returns a time, in UTC if it has no zone, as milliseconds since 1970."""
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
