"""Changes of the ledger by who may not write its tables: calls of the functions in functions.sql.

The functions find out who calls, and refuse the requests of others.
"""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from exhaust.requests.entities import Claim, LeaseLost, NewRequest
from exhaust.requests.requesters import Blocking


class Functions:
    """The calls; each method takes a connection in a transaction, as those of `Tables`."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        """As SQL."""

    def insert(self, connection: Connection, new: NewRequest, worker: str | None) -> str:
        """Adds a request and returns its ID; with a worker, it is the worker's at once.

        Raises IntegrityError while one of its batches is under way, and if the ID is taken.
        """
        request = {
            "dataset": new.kind.dataset,
            "course_id": new.course_id,
            "course_name": new.course_name,
            "batches": [{"id": one, "rows": rows} for one, rows in new.batches.items()],
            "requester": new.requester,
            "channel": new.channel,
            "day": f"{new.day:%Y-%m-%d}",
            "target": new.target,
            "request_data": dict(new.request_data),
            "form": new.form_mark,
            "sealed_password": new.sealed_password,
        }
        return str(self._call(connection, "submit_request", json.dumps(request), worker))

    def blocking(
        self, connection: Connection, new: NewRequest, replacing: str | None
    ) -> Blocking | None:
        """Returns the request that blocks a new one.

        Ends it instead if it is one of `replacing` whose worker has stopped, or is not under way
        at all.
        """
        found = self._call(
            connection,
            "blocking_request",
            new.kind.dataset,
            new.course_id,
            new.batch_ids,
            new.channel,
            new.requester,
            replacing == new.requester,
            new.form_mark,
        )
        if found is None:
            return None
        submitted_at = datetime.fromisoformat(found.pop("submitted_at"))
        return Blocking(**found, submitted_at=submitted_at)

    def heartbeat(self, connection: Connection, claim: Claim, rows_done: int | None) -> None:
        """Holds a request for another lease. Raises LeaseLost."""
        self._call_held(connection, "hold_request", claim, rows_done)

    def batch_done(
        self, connection: Connection, claim: Claim, batch_id: str, file: str | None, rows: int
    ) -> None:
        """Records a batch as done. Raises LeaseLost."""
        self._call_held(connection, "finish_batch", claim, batch_id, file, rows)

    def succeed(self, connection: Connection, claim: Claim) -> None:
        """Ends a request that has all its files. Raises LeaseLost."""
        self._call_held(connection, "end_own_request", claim, None)

    def fail(self, connection: Connection, claim: Claim, reason: str) -> None:
        """Ends a request that failed. Raises LeaseLost."""
        self._call_held(connection, "end_own_request", claim, reason)

    def record_download(
        self,
        connection: Connection,
        download_id: str,
        request_id: str,
        user_id: str | None,
        file: str,
        way: str,
    ) -> bool:
        """Writes down who takes a file; returns whether the request is there for the caller."""
        arguments = (download_id, request_id, user_id, way, file)
        return bool(self._call(connection, "record_download", *arguments))

    def cancel(self, connection: Connection, request_id: str) -> bool:
        """Ends a request that is cancelled; returns whether it was under way."""
        return bool(self._call(connection, "cancel_request", request_id))

    def _call_held(
        self, connection: Connection, function: str, claim: Claim, *arguments: object
    ) -> None:
        request = claim.request
        held = (request.request_id, claim.worker, request.tries)
        if not self._call(connection, function, *held, *arguments):
            raise LeaseLost(request.request_id)

    def _call(self, connection: Connection, function: str, *arguments: object) -> Any:
        names = [f"a{number}" for number in range(len(arguments))]
        parameters = ", ".join(f":{name}" for name in names)
        call = sa.text(f"select {self._schema}.{function}({parameters})")
        return connection.scalar(call, dict(zip(names, arguments, strict=True)))
