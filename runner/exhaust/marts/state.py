"""The marts of a warehouse that is open for reading, and the build that they come from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import Busy, DataError
from exhaust.project.settings import Settings
from exhaust.warehouse import LockWait, Warehouse, connect

COMMON = ("courses", "course_batches", "requesters", "requester_batches", "builds")
"""The marts that every report needs; its own are in `exhaust.reports.kinds`."""


@dataclass(frozen=True)
class Build:
    """A build of the marts; times are UTC."""

    id: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    loaded_at: datetime | None
    """When the newest of its data was loaded; None where that is not known."""


class Marts:
    """The marts of a project's warehouse. The warehouse stays open as long as they are used."""

    def __init__(self, warehouse: Warehouse, settings: Settings) -> None:
        self.warehouse = warehouse
        self.settings = settings
        self._schema = settings.profile.schema

    def relation(self, mart: str) -> str:
        """Returns the full name of a mart as SQL."""
        return self.warehouse.relation(self._schema, mart)

    def check_built(self, marts: Sequence[str] = ()) -> None:
        """Raises DataError if these marts, or those that every report needs, do not exist."""
        if not self.warehouse.tables(self._schema).issuperset((*COMMON, *marts)):
            raise DataError(
                f"Nothing is built: {self.warehouse.name} has no report in the schema "
                f"{self._schema}.",
                "Run `exhaust build`, after `exhaust load DIR`.",
            )

    @contextmanager
    def state(
        self, marts: Sequence[str], console: Console = SILENCE, clock: Clock = SYSTEM_CLOCK
    ) -> Iterator[Build]:
        """Holds the marts in one state while the block runs, and gives the build they come from.

        Waits for a running build and warns if data was loaded after the newest one. Raises
        DataError if nothing is built or the newest build failed, Busy if it is still running after
        ten seconds.
        """
        self.check_built(marts)
        self._warn_of_newer_load(console)
        relations = [self.relation(mart) for mart in (*COMMON, *marts)]
        wait = LockWait(console, clock)
        while True:
            with self.warehouse.snapshot(relations):
                newest = self._newest_build()
                can_wait = self.warehouse.can_change_while_open and not wait.is_over
                if newest.status != "running" or not can_wait:
                    _check_build(newest)
                    # A run of tests only does not change the marts.
                    yield self._newest_build("where command <> 'test'")
                    return
            started_at = minute(newest.started_at)
            wait.pause(f"A build that began at {started_at} is running: waiting ...", 0.5)

    def _newest_build(self, condition: str = "") -> Build:
        rows = self.warehouse.query(
            "select invocation_id, status, started_at, ended_at, loaded_at "
            f"from {self.relation('builds')} {condition} "
            "order by started_at desc, ended_at desc nulls last limit 1"
        )
        if not rows:
            raise DataError(f"Nothing is built in {self.warehouse.name}.", "Run `exhaust build`.")
        return Build(*rows[0])

    def _warn_of_newer_load(self, console: Console) -> None:
        landing_schema = self.settings.landing_schema
        if "loads" not in self.warehouse.tables(landing_schema):
            return
        ((loaded_at, built_at),) = self.warehouse.query(
            f"select (select max(loaded_at) from {self.warehouse.relation(landing_schema, 'loads')}"
            f"), (select max(started_at) from {self.relation('builds')} where command <> 'test')"
        )
        if loaded_at and built_at and loaded_at > built_at:
            console.say(
                f"warning: data was loaded at {minute(loaded_at)}, after the build of "
                f"{minute(built_at)}. The report does not have it yet: run `exhaust build`."
            )


@contextmanager
def open_marts(
    settings: Settings, console: Console = SILENCE, clock: Clock = SYSTEM_CLOCK
) -> Iterator[Marts]:
    """Opens the warehouse of a project for reading its marts. Raises what connecting raises."""
    with connect(settings.profile, writing=False, console=console, clock=clock) as warehouse:
        yield Marts(warehouse, settings)


def minute(moment: datetime) -> str:
    """Returns a time in UTC as messages write it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _check_build(build: Build) -> None:
    if build.status == "running":
        raise Busy(
            f"A build began at {minute(build.started_at)} and has not ended.",
            "Try again when it has. If it was killed, run `exhaust build` again.",
        )
    if build.status != "success":
        raise DataError(
            f"The build of {minute(build.started_at)} failed, so its report cannot be trusted.",
            "Run `exhaust build` to see what is wrong with the data.",
        )
