"""Reads the ledger's rows as input: others may have written them, so each is checked.

A row that no exhaust writes becomes a `DamagedRequest`, which has failed. It never ends what reads
it. All columns are read as text, because a driver may fail on a value that its type does not have.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exhaust.reports.form import ReportForm
from exhaust.reports.kinds import KINDS
from exhaust.requests.entities import (
    MAX_TRIES,
    SINCE_A_FILE,
    DamagedRequest,
    Request,
    Status,
)
from exhaust.requests.store import BATCHES, MAX_REASON, QUEUE, REQUESTS

REQUEST_ID = re.compile(r"[0-9A-F]{32}(-[1-9][0-9]{0,8})?")
MAX_ROWS = 10**15
UNKNOWN_TIME = datetime(1970, 1, 1)

Row = sa.Row[Any]


class _Damage(Exception):
    """A value that no exhaust writes; its argument says what it should be."""


def as_text(table: sa.Table) -> list[Any]:
    """Returns the columns of a table as text, under their names, but no sealed password."""
    return [
        sa.cast(column, sa.Text).label(column.name)
        for column in table.c
        if column.name != "encryption_key"
    ]


def read_requests(
    connection: Connection, which: sa.ColumnElement[bool], limit: int | None = None
) -> list[Request]:
    """Returns the requests for which the condition holds, newest first; the newest if there is a
    limit."""
    # Before their batches: Postgres may show the batches of a request that was added in between.
    rows = connection.execute(
        sa.select(*as_text(REQUESTS))
        .where(which)
        .order_by(REQUESTS.c.dt_job_submitted.desc(), REQUESTS.c.request_id)
        .limit(limit)
    ).all()
    # A limit may find others the second time.
    ids: Any = (
        sa.select(REQUESTS.c.request_id).where(which)
        if limit is None
        else [row.request_id for row in rows]
    )
    positions = {}
    # Ranking all that wait takes long, and only those that wait have a rank.
    if any(row.status == Status.SUBMITTED for row in rows):
        queue = connection.execute(sa.select(QUEUE).where(QUEUE.c.request_id.in_(ids)))
        positions = {row.request_id: row.rank for row in queue}
    batches: dict[str, list[Row]] = {}
    of_requests = BATCHES.c.request_id.in_(ids)
    for row in connection.execute(sa.select(*as_text(BATCHES)).where(of_requests)):
        batches.setdefault(row.request_id, []).append(row)
    return [
        _request(row, batches.get(row.request_id, []), positions.get(row.request_id))
        for row in rows
    ]


def _request(row: Row, batches: Sequence[Row], position: int | None) -> Request:
    try:
        return _checked(row, batches, position)
    except _Damage as damage:
        return DamagedRequest(
            request_id=row.request_id or "",
            course_id=row.course_id or "",
            course_name=row.course_name,
            batch_ids=sorted((one.batch_id or "" for one in batches), key=_bytes),
            requester=row.requested_by or "",
            channel=row.requested_channel or "",
            status=Status.FAILED,
            submitted_at=time_of(row.dt_job_submitted) or UNKNOWN_TIME,
            completed_at=time_of(row.dt_job_completed) or UNKNOWN_TIME,
            rows_done=0,
            rows_expected=0,
            position=None,
            tries=0,
            error=f"The ledger has no valid {damage} for this request.",
            files={},
            request_data={},
            dataset=row.job_id or "",
        )


def _checked(row: Row, batches: Sequence[Row], position: int | None) -> Request:
    """Returns the request of a row. Raises _Damage."""
    if not REQUEST_ID.fullmatch(row.request_id or ""):
        _refuse("ID")
    if row.job_id not in KINDS:
        _refuse("kind of report")
    if row.status not in list(Status):
        _refuse("status")
    if not batches:
        _refuse("batch")
    for one in batches:
        if one.rows is not None:
            _number(one.rows, "number of rows", MAX_ROWS)
    batch_ids = [_text(one.batch_id, "batch") for one in batches]
    return Request(
        request_id=row.request_id,
        course_id=_text(row.course_id, "course"),
        course_name=_optional(row.course_name, _text, "course"),
        batch_ids=sorted(batch_ids, key=str.encode),
        requester=_text(row.requested_by, "requester"),
        channel=row.requested_channel and _text(row.requested_channel, "channel"),
        status=Status(row.status),
        submitted_at=_time(row.dt_job_submitted, "time"),
        completed_at=_optional(row.dt_job_completed, _time, "time"),
        rows_done=_number(row.rows_done, "number of rows", MAX_ROWS),
        rows_expected=_number(row.rows_expected, "number of rows", MAX_ROWS),
        position=position,
        tries=_number(row.iteration, "number of tries", MAX_TRIES),
        error=row.err_message and row.err_message[:MAX_REASON],
        files={one.batch_id: _text(one.file, "path") for one in batches if one.file is not None},
        request_data=_data(row.request_data),
        dataset=row.job_id,
        execution_time=_optional(row.execution_time, _milliseconds, "duration"),
    )


def _refuse(what: str) -> NoReturn:
    raise _Damage(what)


def _optional(text: str | None, check: Callable[[str | None, str], Any], what: str) -> Any:
    return None if text is None else check(text, what)


def _text(text: str | None, what: str) -> str:
    return text if text and _is_text(text) else _refuse(what)


def _number(text: str | None, what: str, most: int) -> int:
    is_number = text is not None and re.fullmatch("[0-9]{1,18}", text)
    number = int(text or 0) if is_number else most + 1
    return number if number <= most else _refuse(what)


def _milliseconds(text: str | None, what: str) -> int:
    # The clocks of workers differ, so an end may be before its beginning.
    return _number("0" if (text or "").startswith("-") else text, what, MAX_ROWS)


def _time(text: str | None, what: str) -> datetime:
    return time_of(text) or _refuse(what)


def time_of(text: str | None) -> datetime | None:
    """Returns a time without a zone; None for a text that is none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return None if moment.tzinfo else moment


def _data(text: str | None) -> Mapping[str, Any]:
    """Returns the data of a request. Raises _Damage for what exhaust does not write."""
    try:
        data = json.loads(text or "", parse_constant=_refuse)
        is_whole = isinstance(data, dict) and NEEDED <= data.keys() <= DATA.keys()
        if not is_whole or not all(DATA[name](value) for name, value in data.items()):
            _refuse("data")
        ReportForm.of_data(data)
    except (ValueError, RecursionError, _Damage):
        _refuse("data")
    return cast(Mapping[str, Any], data)


def _is_text(value: object) -> bool:
    """Returns whether a value is a string that every database and every file can hold."""
    # A surrogate is half of a character: UTF-8 cannot write it.
    return isinstance(value, str) and not re.search("[\0\ud800-\udfff]", value)


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_map(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_text, [*value, *value.values()]))


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_earlier(value: object) -> bool:
    return isinstance(value, str) and bool(value == SINCE_A_FILE or REQUEST_ID.fullmatch(value))


DATA: Mapping[str, Callable[[Any], bool]] = {
    "collectionId": _is_text,
    "batchId": _is_list,
    "batchNames": _is_map,
    "roles": _is_map,
    "allLearners": _is_bool,
    # What Sunbird's portal calls the report.
    "portalDataset": _is_text,
    # The form, whose own class knows the values.
    "layout": _is_text,
    "format": _is_text,
    "headers": _is_text,
    "columns": _is_list,
    "additions": _is_list,
    "splitBy": _is_text,
    "since": _is_earlier,
    "isProtected": _is_bool,
}
"""What `request_data` has, and how each is checked."""
NEEDED = {"layout", "allLearners"}


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")
