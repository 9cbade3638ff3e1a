"""Receives forms: never all of a file in memory, never too much, or too slowly."""

import asyncio
from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive

from exhaust.web import errors

IDLE_SECONDS = 30.0
"""How long nothing of a form may arrive."""
SMALL_BYTES = 1 << 20
"""Above this size, only files are taken: what is not one is kept in memory."""


@dataclass(frozen=True)
class Intake:
    """What a page takes."""

    max_bytes: int = SMALL_BYTES
    max_fields: int = 100
    max_files: int = 0
    max_seconds: float = 60.0


class _TooLarge(Exception):
    """What was sent has more bytes than the page takes."""


async def receive_form(request: Request, intake: Intake) -> FormData | Response:
    """Returns a form, whose files are on the disk without a name, or why it is refused."""
    has_files = request.headers.get("content-type", "").startswith("multipart/form-data")
    max_bytes = intake.max_bytes if has_files else SMALL_BYTES
    limited = Request(request.scope, _limited(request.receive, max_bytes))
    try:
        async with asyncio.timeout(intake.max_seconds):
            return await limited.form(max_files=intake.max_files, max_fields=intake.max_fields)
    except _TooLarge:
        return errors.too_large(request)
    except TimeoutError:
        return errors.too_slow(request)
    except HTTPException:
        return errors.expired_form(request)
    except ClientDisconnect:
        return Response(status_code=400)


def _limited(receive: Receive, max_bytes: int) -> Receive:
    """Returns a function that receives at most so many bytes, and never waits long; else it
    raises."""
    received = 0

    async def limited() -> Message:
        nonlocal received
        async with asyncio.timeout(IDLE_SECONDS):
            message = await receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise _TooLarge
        return message

    return limited
