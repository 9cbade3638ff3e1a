"""Open connections that the threads of a server share for reading."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Self

from exhaust.console import SYSTEM_CLOCK, Clock
from exhaust.errors import Busy, ExhaustError, NoConnection
from exhaust.project.profile import Profile
from exhaust.repeating import repeating
from exhaust.text import Message
from exhaust.warehouse import Warehouse, connect

MAX_CONNECTIONS = 8
IDLE_SECONDS = 5.0
"""After how long without a reader the warehouse is given up."""
LOOK_SECONDS = 0.1
"""How often the pool looks whether a builder waits for the warehouse."""
TURN_SECONDS = 10.0
"""How long a reader waits for a connection."""


def nobody() -> Busy | None:
    """Says that no builder wants the warehouse."""
    return None


class Pool:
    """Connections to one warehouse, each used by one thread at a time.

    It gives all of them up as soon as `builder` says that a load or a build wants the warehouse for
    itself, or nobody used it for some seconds. Use it as a context manager.
    """

    def __init__(
        self,
        profile: Profile,
        builder: Callable[[], Busy | None] = nobody,
        clock: Clock = SYSTEM_CLOCK,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._profile = profile
        self.builder = builder
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._idle: list[Warehouse] = []
        self._used_at = clock.monotonic()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(repeating(self.look, LOOK_SECONDS, "pool"))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._give_up()

    @contextmanager
    def reading(self) -> Iterator[Warehouse]:
        """Gives a connection. Raises Busy at once while a builder has the warehouse, and what
        connecting raises."""
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise Busy(
                Message("{target} is read by too many at once.", target=self._profile.target),
                Message("Try again."),
            )
        try:
            self._refuse_during_a_build()
            warehouse = self._take() or connect(self._profile, writing=False, clock=self._clock)
            try:
                yield warehouse
            except NoConnection:
                # The server was restarted: those that are idle have lost it too.
                self._give_up()
                warehouse.close()
                raise
            except ExhaustError:
                self._give_back(warehouse)
                raise
            except BaseException:
                warehouse.close()
                raise
            self._give_back(warehouse)
        finally:
            self._turns.release()

    def _refuse_during_a_build(self) -> None:
        if busy := self.builder():
            raise busy

    def _take(self) -> Warehouse | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _give_back(self, warehouse: Warehouse) -> None:
        is_wanted = self.builder() is not None
        with self._lock:
            self._used_at = self._clock.monotonic()
            if not is_wanted:
                self._idle.append(warehouse)
                return
        warehouse.close()

    @property
    def idle(self) -> int:
        """How many connections are open and not used."""
        return len(self._idle)

    def look(self) -> bool:
        """Gives the idle connections up if it is time. Called again and again."""
        is_idle = self._clock.monotonic() - self._used_at > self._idle_seconds
        if is_idle or self.builder() is not None:
            self._give_up()
        return True

    def _give_up(self) -> None:
        with self._lock, ExitStack() as stack:
            for warehouse in self._idle:
                stack.enter_context(closing(warehouse))
            self._idle.clear()
