"""Holding requests while their reports are made: heartbeats, progress, and what ends a try."""

import os
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache

from exhaust.console import Console
from exhaust.errors import Busy, ExhaustError, NoConnection
from exhaust.repeating import repeating
from exhaust.requests.entities import Claim, LeaseLost
from exhaust.requests.ledger import Ledger
from exhaust.text import Message

HEARTBEATS_PER_LEASE = 4

NOT_COUNTED = (Busy, NoConnection, KeyboardInterrupt)
"""Errors after which a request waits again without counting the try."""


@cache
def process_name() -> str:
    """Returns the name of this process as a worker, which no other process has."""
    return worker_name()


def worker_name() -> str:
    """Returns a name that no other worker has."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Pulse:
    """What a worker's heartbeat reports, and what it learns."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        """The rows that are done."""
        self.lost: str | None = None
        """The ID of a request that is no longer the worker's."""

    def check(self) -> None:
        """Raises LeaseLost if a request is no longer the worker's."""
        if self.lost:
            raise LeaseLost(self.lost)


@contextmanager
def holding(ledger: Ledger, claims: Sequence[Claim]) -> Iterator[Pulse]:
    """Renews the leases of claims until the block ends."""
    pulse = Pulse(sum(claim.request.rows_done for claim in claims))

    def beat() -> bool:
        for claim in claims:
            try:
                ledger.heartbeat(claim, min(pulse.rows, claim.request.rows_expected))
            except LeaseLost:
                pulse.lost = claim.request.request_id
                return False
            except ExhaustError:
                continue  # The ledger cannot be reached now; some heartbeats are left.
        return True

    with repeating(beat, ledger.lease.total_seconds() / HEARTBEATS_PER_LEASE):
        yield pulse


class CountingConsole:
    """A console that counts the rows of an export for the heartbeat.

    It stops the export, with LeaseLost, once a request is no longer the worker's.
    """

    def __init__(self, console: Console, pulse: Pulse, count: Callable[[float], int]) -> None:
        self._console = console
        self._pulse = pulse
        self._count = count
        """Turns the share of an export that is done into the rows that are done."""

    def say(self, message: str) -> None:
        self._console.say(message)

    def progress(self, what: str, share: float) -> None:
        self._pulse.check()
        self._pulse.rows = self._count(share)
        self._console.progress(what, share)


def fail(ledger: Ledger, claim: Claim, error: BaseException, *, is_final: bool) -> None:
    """Records that a try failed, unless the request is no longer the worker's."""
    with suppress(LeaseLost):
        ledger.fail(claim, reason_for(error), is_final=is_final)


def reason_for(error: BaseException) -> str:
    """Returns why a try failed, in words for the requester."""
    if isinstance(error, ExhaustError):
        return error.message
    if isinstance(error, KeyboardInterrupt):
        return Message("Its worker was stopped.")
    if isinstance(error, BrokenPipeError):
        return Message("The reader of standard output stopped reading.")
    return f"Unexpected failure: {type(error).__name__}. The log of its worker has the details."
