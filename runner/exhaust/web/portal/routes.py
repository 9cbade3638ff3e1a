"""Submit, list and read, as Sunbird's portal and Kong call them; and whether all of it works."""

import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exhaust import api
from exhaust.errors import ExhaustError, NoConnection, NotFound, PermissionDenied
from exhaust.web.identity import Person
from exhaust.web.identity.token import HEADER
from exhaust.web.portal import MOUNTS, Portal
from exhaust.web.portal.bodies import (
    FORMATS,
    Body,
    envelope,
    form_of,
    job_of,
    refused_job,
)
from exhaust.web.portal.upstream import Answer, NoAnswer
from exhaust.web.site import site_of

LOG = logging.getLogger("exhaust.web")
MAX_BYTES = 1 << 16
MAX_JOBS = 100
UNKNOWN = "no job available with the given request_id and tag"
UNREACHABLE = "The data cannot be reached now. Try again later."

Handler = Callable[[Request], Awaitable[Response]]


class _Refused(Exception):
    """An answer that the portal takes for an error: a status, its code, and words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def _invalid(message: str) -> _Refused:
    return _Refused(400, "CLIENT_ERROR", message)


@dataclass(frozen=True)
class _Submission:
    """What somebody submits. The password is in no log."""

    tag: str
    dataset: str
    config: Mapping[str, Any]
    password: object = field(repr=False)
    is_protected: bool

    @classmethod
    def of(cls, content: bytes) -> "_Submission":
        """Reads a body. Raises _Refused."""
        try:
            body = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise _invalid("The body is not JSON.") from error
        request = body.get("request") if isinstance(body, dict) else None
        request = request if isinstance(request, dict) else {}
        tag, dataset = (_text(request.get(name)) for name in ("tag", "dataset"))
        config = request.get("datasetConfig")
        for name, value in (("tag", tag), ("dataset", dataset), ("datasetConfig", config)):
            if not value:
                raise _invalid(f"{name} is empty")
        if not isinstance(config, dict):
            raise _invalid("datasetConfig is empty")
        password = request.get("encryptionKey")
        return cls(tag, dataset, config, password, "encryptionKey" in request)

    @property
    def batch_ids(self) -> list[str]:
        """The batches that it names; none if it names them in another way than the portal does."""
        given = self.config.get("batchId")
        batches = given if isinstance(given, list) else [given]
        is_valid = all(_is_text(one) and one for one in batches)
        return sorted(set(batches), key=_bytes) if is_valid else []

    @property
    def course_id(self) -> str | None:
        """The course of the tag, if that is of these batches: a job is found again by its tag."""
        course, is_whole, rest = _plain(self.tag).rpartition("_" + ",".join(self.batch_ids))
        return course if is_whole and not rest and course else None


async def submit(request: Request) -> Response:
    """Requests a report. A refusal is a job that failed, because the portal shows only those."""
    await run_in_threadpool(_identify, request)
    content = await _content(request)
    submission = _Submission.of(content)
    if submission.dataset in FORMATS:
        return await run_in_threadpool(_submit, request, submission)
    upstream = _portal(request).upstream
    if upstream is None:
        return _refusal(request, submission, "This report is not made here.")
    try:
        return _passed(await upstream.pass_on(request, content))
    except NoAnswer as error:
        return _refusal(request, submission, str(error))


def _submit(request: Request, submission: _Submission) -> Response:
    site, user_id = site_of(request), request.state.person.user_id
    if not site.submits.take(user_id):
        return _refusal(request, submission, "Too many requests: try again in a minute.")
    course_id = submission.course_id
    if not submission.batch_ids or course_id is None:
        reason = "datasetConfig has no `batchId`, or the tag is not `<course>_<batch>`."
        return _refusal(request, submission, reason)
    if submission.is_protected and not _is_text(submission.password):
        return _refusal(request, submission, "The password is empty.")
    try:
        made = api.submit(
            site.project,
            course_id,
            batches=submission.batch_ids,
            user_id=user_id,
            form=form_of(submission.dataset, is_protected=submission.is_protected),
            password=submission.password if isinstance(submission.password, str) else None,
            portal_dataset=submission.dataset,
        )
    except ExhaustError as error:
        return _refusal(request, submission, _words(error))
    return JSONResponse(envelope(site, "submit", job_of(site, made)))


async def list_jobs(request: Request) -> Response:
    """Lists the newest jobs of a tag: the user's own, and those of the other service."""
    await run_in_threadpool(_identify, request)
    limit = _limit(request.query_params.get("limit", ""))
    jobs = await run_in_threadpool(_own_jobs, request, limit)
    if upstream := _portal(request).upstream:
        others = await upstream.other_jobs(request)
        jobs += [job for job in others if job.get("dataset") not in FORMATS]
        jobs = sorted(jobs, key=_submitted_at, reverse=True)[:limit]
    return JSONResponse(envelope(site_of(request), "list", {"count": len(jobs), "jobs": jobs}))


def _own_jobs(request: Request, limit: int) -> list[Mapping[str, Any]]:
    site = site_of(request)
    found = api.requests(
        site.project, user_id=request.state.person.user_id, tag=_tag(request), limit=limit
    )
    return [job_of(site, one) for one in found]


async def read(request: Request) -> Response:
    """Shows one job of the user's; other jobs are those of the other service, or of nobody."""
    await run_in_threadpool(_identify, request)
    site, tag = site_of(request), _tag(request)
    if body := await run_in_threadpool(_own_job, request, tag):
        return JSONResponse(envelope(site, "info", body))
    if upstream := _portal(request).upstream:
        try:
            return _passed(await upstream.pass_on(request))
        except NoAnswer as error:
            raise _Refused(500, "ERROR", str(error)) from error
    return JSONResponse(envelope(site, "info", None, error=UNKNOWN))


def _own_job(request: Request, tag: str) -> Body | None:
    site, request_id = site_of(request), request.query_params.get("requestId", "")
    if not _is_text(request_id):
        return None
    try:
        found = api.request(site.project, request_id, user_id=request.state.person.user_id)
    except NotFound:
        return None
    return job_of(site, found) if _plain(found.tag) == tag else None


async def health(request: Request) -> Response:
    """Says whether the portal's routes can work; whether the other service does is its own."""
    checks = {"ledger": _has_ledger, "keys": lambda one: _portal(one).tokens.has_keys()}
    found = {name: await run_in_threadpool(check, request) for name, check in checks.items()}
    result = {
        "healthy": all(found.values()),
        "checks": [{"name": name, "healthy": healthy} for name, healthy in found.items()],
    }
    body = envelope(site_of(request), "health", result)
    return JSONResponse(body, 200 if result["healthy"] else 503)


def _has_ledger(request: Request) -> bool:
    try:
        api.workers(site_of(request).project)
    except ExhaustError:
        return False
    return True


def _identify(request: Request) -> None:
    """Finds out who is asking: only a token says so. Raises _Refused."""
    given = request.headers.getlist(HEADER)
    try:
        user_id = _portal(request).tokens.user_of(given[0]) if len(given) == 1 else ""
    except PermissionDenied as error:
        raise _Refused(403, "FORBIDDEN", "You are not authorized.") from error
    if not user_id:
        raise _Refused(403, "FORBIDDEN", "You are not authorized.")
    request.state.person = Person(user_id, is_operator=False, label=user_id)
    if not request.headers.get("x-channel-id", "").strip():
        raise _Refused(403, "FORBIDDEN", "X-Channel-ID is missing in request header")
    if request.method == "GET" and not _portal(request).reads.take(user_id):
        raise _Refused(429, "CLIENT_ERROR", "Too many requests: try again in a minute.")


async def _content(request: Request) -> bytes:
    """Returns the body. Raises _Refused if it is too long."""
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > MAX_BYTES:
            raise _Refused(413, "CLIENT_ERROR", "The body is too large.")
    return bytes(content)


def _refusal(request: Request, submission: _Submission, reason: str) -> Response:
    site = site_of(request)
    channel = request.headers["x-channel-id"].strip()
    job = refused_job(
        site,
        dataset=submission.dataset,
        tag=f"{_plain(submission.tag)}:{channel}",
        requester=request.state.person.user_id,
        channel=channel,
        batch_ids=submission.batch_ids,
        reason=reason,
    )
    return JSONResponse(envelope(site, "submit", job))


def _words(error: ExhaustError) -> str:
    """Returns the message of an error, without the hint, which is for the command."""
    # Its message names the server of the database.
    return UNREACHABLE if isinstance(error, NoConnection) else str(error.message)


def _passed(answer: Answer) -> Response:
    return Response(answer.content, answer.status, {"Content-Type": answer.content_type})


def _portal(request: Request) -> Portal:
    portal = site_of(request).portal
    assert portal is not None  # noqa: S101
    return portal


def _tag(request: Request) -> str:
    """Returns the tag of the address, without the channel. Raises _Refused."""
    tag = _plain(request.path_params["tag"])
    # Of dots alone it would be another address of the other service.
    if not _is_text(tag) or not tag.strip(". "):
        raise _invalid("tag is empty")
    return tag


def _plain(tag: str) -> str:
    return tag.partition(":")[0]


def _limit(text: str) -> int:
    given = int(text[:9]) if text.isascii() and text.isdigit() else 0
    return min(given or MAX_JOBS, MAX_JOBS)


def _submitted_at(job: Mapping[str, Any]) -> float:
    stats = job.get("jobStats")
    at = stats.get("dtJobSubmitted") if isinstance(stats, dict) else None
    return at if isinstance(at, int | float) else 0


def _text(value: object) -> str:
    return str(value).strip() if _is_text(value) else ""


def _is_text(value: object) -> bool:
    """Returns whether a value is a string that a database and an answer can hold."""
    return isinstance(value, str) and not re.search("[\0\ud800-\udfff]", value)


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")


def _route(path: str, name: str, handler: Handler, method: str) -> Route:
    """Returns the route of a handler; its errors are answered in the portal's form."""

    async def endpoint(request: Request) -> Response:
        site = site_of(request)
        try:
            return await handler(request)
        except _Refused as refused:
            body = envelope(site, name, None, refused.code, refused.message)
            return JSONResponse(body, refused.status)
        except ExhaustError as error:
            return JSONResponse(envelope(site, name, None, "ERROR", _words(error)), 500)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception:
            LOG.exception("%s %s failed", request.method, request.url.path)
            body = envelope(site, name, None, "ERROR", "Something went wrong here.")
            return JSONResponse(body, 500)

    return Route(path, endpoint, methods=[method])


def portal_routes() -> list[Route]:
    """Returns the routes, under both mounts."""
    handlers: list[tuple[str, str, Handler, str]] = [
        ("submit", "submit", submit, "POST"),
        ("list/{tag}", "list", list_jobs, "GET"),
        ("read/{tag}", "info", read, "GET"),
        ("health", "health", health, "GET"),
    ]
    return [
        _route(mount + path, name, handler, method)
        for mount in MOUNTS
        for path, name, handler, method in handlers
    ]
