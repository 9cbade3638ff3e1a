"""The marts of a warehouse that is open for reading, and the build that they come from."""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TypeVar

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import Busy, DataError, ExhaustError
from exhaust.marts.kept_open import Checked, KeptOpen
from exhaust.marts.records import (
    FAILED,
    SUCCESS,
    Build,
    MartRecord,
    newest_failure,
    newest_unrecorded,
    read_builds,
    read_marts,
)
from exhaust.project.fingerprint import models_hash
from exhaust.project.package import OWN_PACKAGE
from exhaust.project.settings import Settings
from exhaust.project.sql import marts_contract
from exhaust.text import Message
from exhaust.warehouse import LOCK_TIMEOUT_SECONDS, LockWait, Warehouse, class_of, connect

COMMON = ("courses", "course_batches", "requesters", "requester_batches")
"""The marts that every report needs; its own are in `exhaust.reports.kinds`."""
RECORDS = {"builds", "built_marts"}
"""The tables of dbt's hooks, which say what the marts are."""
BUILD_HINT = Message("Run `exhaust build`.")
PAGE_TIMEOUT_SECONDS = 1.0
"""How long a server's reader waits for a running build."""

Value = TypeVar("Value")


class Marts:
    """The marts of a project's warehouse. The warehouse stays open as long as they are used."""

    def __init__(self, warehouse: Warehouse, settings: Settings, busy: Busy | None = None) -> None:
        self.warehouse = warehouse
        self._busy = busy
        """Why this is only a copy of the marts that are small; None if it is the warehouse."""
        self.settings = settings
        self._schema = settings.profile.schema
        self._records: Mapping[str, MartRecord] | None = None
        self._build: Build | None = None

    @property
    def gives_one_answer(self) -> bool:
        """Whether what a requester may not have is not found, in the same time as what does not
        exist: whoever asks a server may be a stranger."""
        return isinstance(self.settings, KeptOpen)

    def remember(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Returns what `make` returns; inside `state`, a project that is kept open calls it once
        for each build and key."""
        if self._build is None or not isinstance(self.settings, KeptOpen):
            return make()
        return self.settings.memory.remember(self._build.id, key, make)

    def relation(self, mart: str) -> str:
        """Returns the full name of a mart as SQL. Raises DataError if it is not built."""
        record = self._located([mart])[mart]
        return self.warehouse.relation(record.schema, record.table)

    def records(self) -> list[MartRecord]:
        """Returns where the marts are that exist."""
        self._located([])
        return [*(self._records or {}).values()]

    def check_built(self, marts: Sequence[str] = ()) -> None:
        """Raises DataError if these marts, or those that every report needs, do not exist."""
        self._located([*COMMON, *marts])

    @contextmanager
    def state(
        self,
        marts: Sequence[str] = (),
        console: Console = SILENCE,
        clock: Clock = SYSTEM_CLOCK,
        wait: LockWait | None = None,
    ) -> Iterator[Build]:
        """Holds the marts in one state while the block runs, and gives the build they come from.

        Waits for a running build, and warns if data was loaded after the build or other models made
        it. Raises DataError if the marts are not from one whole build, or a later one failed; Busy
        if a build is still running after ten seconds.
        """
        needed = COMMON if self._busy else (*COMMON, *marts)
        if checked := self._checked(needed):
            self._records = checked.records
            with self._of_build(checked.build, console):
                yield checked.build
            return
        wait = wait or LockWait(console, clock, self._lock_timeout)
        while True:
            before = self._located(needed)
            with self.warehouse.snapshot([self.relation(mart) for mart in needed]):
                self._records = None
                records = self._located(needed)
                builds = self._builds_of(records)
                running = [one for one in records.values() if one.invocation_id not in builds]
                has_moved = _places(records) != _places(before)
                can_wait = self.warehouse.can_change_while_open and not wait.is_over
                if not has_moved and not (running and can_wait):
                    build = self._whole_build(records, builds, running)
                    self._note(build, needed)
                    with self._of_build(build, console):
                        yield build
                    return
            if running:
                started_at = minute(running[0].started_at)
                wait.pause(f"A build that began at {started_at} is running: waiting ...", 0.5)
                self._records = None

    @contextmanager
    def _of_build(self, build: Build, console: Console) -> Iterator[None]:
        self._warn(build, console)
        self._build = build
        try:
            yield
        finally:
            self._build = None

    def _checked(self, needed: Collection[str]) -> Checked | None:
        """Returns what an earlier reader of this connection found out about all of these marts."""
        if not isinstance(self.settings, KeptOpen):
            return None
        checked = self.settings.checked.get(self.warehouse)
        return checked if checked and checked.marts.issuperset(needed) else None

    def _note(self, build: Build, needed: Collection[str]) -> None:
        """Notes for later readers of this connection what cannot change while it is open."""
        if isinstance(self.settings, KeptOpen) and not self.warehouse.can_change_while_open:
            before = self.settings.checked.get(self.warehouse)
            marts = frozenset(needed) | (before.marts if before else frozenset())
            self.settings.checked[self.warehouse] = Checked(build, marts, self._records or {})

    @property
    def _lock_timeout(self) -> float:
        is_kept_open = isinstance(self.settings, KeptOpen)
        return PAGE_TIMEOUT_SECONDS if is_kept_open else LOCK_TIMEOUT_SECONDS

    def _located(self, marts: Sequence[str]) -> dict[str, MartRecord]:
        """Returns the records of marts. Raises DataError if one is not recorded or not there."""
        if self._records is None:
            self._records = self._read_records()
        if not self._records:
            raise DataError(
                Message(
                    "Nothing is built: {warehouse} has no report in the schema {schema}.",
                    warehouse=self.warehouse.name,
                    schema=self._schema,
                ),
                Message("Run `exhaust build`, after `exhaust load DIR`."),
            )
        missing = [mart for mart in marts if mart not in self._records]
        if missing and self._busy:
            raise self._busy
        if missing:
            raise DataError(
                f"The marts in the schema {self._schema} of {self.warehouse.name} lack "
                f"{', '.join(missing)}: an earlier version of exhaust made them, or dbt made only "
                "some of them.",
                BUILD_HINT,
            )
        return {mart: self._records[mart] for mart in marts}

    def _read_records(self) -> dict[str, MartRecord]:
        """Returns the records of the marts that exist."""
        found = self.warehouse.tables(self._schema)
        if "builds" in found and "built_marts" not in found:
            raise DataError(
                f"The marts in the schema {self._schema} of {self.warehouse.name} were built "
                "without a record of what they are: by an earlier version, or with the variable "
                "record_builds: false.",
                BUILD_HINT,
            )
        if not found >= RECORDS:
            return {}
        records = read_marts(self.warehouse, self._schema)
        tables = {
            schema: found if schema == self._schema else self.warehouse.tables(schema)
            for schema in {record.schema for record in records.values()}
        }
        return {
            mart: record
            for mart, record in records.items()
            if record.table in tables[record.schema]
        }

    def _builds_of(self, records: Mapping[str, MartRecord]) -> dict[str, Build]:
        ids = {record.invocation_id for record in records.values()}
        return read_builds(self.warehouse, self._schema, ids)

    def _whole_build(
        self,
        records: Mapping[str, MartRecord],
        builds: Mapping[str, Build],
        running: Sequence[MartRecord],
    ) -> Build:
        """Returns the one whole build that all marts come from."""
        if running:
            raise Busy(
                Message(
                    "A build began at {moment} and has not ended.",
                    moment=minute(running[0].started_at),
                ),
                Message("Try again when it has. If it was killed, run `exhaust build` again."),
            )
        newest = max(builds.values(), key=lambda build: build.started_at)
        failure = newest_failure(self.warehouse, self._schema)
        if failure and failure.started_at >= newest.started_at:
            newest = failure
        unrecorded = newest_unrecorded(self.warehouse, self._schema)
        if unrecorded and unrecorded > newest.started_at:
            raise DataError(
                f"An earlier version of exhaust built in the schema {self._schema} at "
                f"{minute(unrecorded)}, and did not record which marts it replaced.",
                BUILD_HINT,
            )
        if newest.status == FAILED:
            raise DataError(
                Message(
                    "The build of {moment} failed, so its report cannot be trusted.",
                    moment=minute(newest.started_at),
                ),
                Message("Run `exhaust build` to see what is wrong with the data."),
            )
        if len(builds) > 1:
            raise DataError(_several_builds(records, builds, newest), BUILD_HINT)
        if newest.status != SUCCESS:
            raise DataError(
                f"`dbt {newest.command}` made the marts at {minute(newest.started_at)}, but this "
                f"was not a whole build: {newest.missing}.",
                BUILD_HINT,
            )
        if newest.contract != marts_contract():
            raise DataError(
                f"The marts in the schema {self._schema} have the contract {newest.contract}; "
                f"this version of exhaust reads the contract {marts_contract()}.",
                "Run `exhaust build` with this version, or use the one that built them "
                f"({newest.exhaust_version}).",
            )
        return newest

    def _warn(self, build: Build, console: Console) -> None:
        if console is SILENCE:
            return
        if loaded_at := self.loaded_after(build):
            console.say(
                f"warning: data was loaded at {minute(loaded_at)}, after the build of "
                f"{minute(build.started_at)}. The report does not have it yet: run `exhaust build`."
            )
        if build.models_hash != models_hash(OWN_PACKAGE):
            console.say(
                f"warning: the build of {minute(build.started_at)} was made with other models or "
                f"macros than this command's, in {OWN_PACKAGE}. `exhaust build` builds again."
            )

    def loaded_after(self, build: Build) -> datetime | None:
        """Returns when data was loaded last, if that was after the build; None also where the
        caller may not know."""
        loaded_at = self._newest_load(build)
        return (
            loaded_at if loaded_at and loaded_at > (build.loaded_at or build.started_at) else None
        )

    def _newest_load(self, build: Build) -> datetime | None:
        schema = str(build.variables["landing_schema"])
        if build.variables.get("sample") or "loads" not in self.warehouse.tables(schema):
            return None
        ((loaded_at,),) = self.warehouse.query(
            f"select max(loaded_at) from {self.warehouse.relation(schema, 'loads')}"
        )
        newest: datetime | None = loaded_at
        return newest


def copy_marts(kept: KeptOpen) -> None:
    """Copies the small marts, if the warehouse is a file that has changed since the last copy and
    that nobody writes to now. Whoever reads during a build then reads the copy."""
    file = class_of(kept.profile).file(kept.profile)
    if file is None or not kept.copy.is_outdated(file):
        return
    with suppress(ExhaustError), kept.pool.reading() as warehouse:
        # As long as it is open for reading, nobody changes it.
        kept.copy.look_at(file)
        marts = Marts(warehouse, kept)
        with marts.state():
            tables = {(record.schema, record.table) for record in marts.records()}
            records = {(kept.profile.schema, table) for table in RECORDS}
            kept.copy.replace(warehouse.copied(tables | records))


@contextmanager
def open_marts(
    settings: Settings, console: Console = SILENCE, clock: Clock = SYSTEM_CLOCK
) -> Iterator[Marts]:
    """Opens the warehouse of a project for reading its marts. Raises what connecting raises."""
    if isinstance(settings, KeptOpen):
        with settings.reading() as (warehouse, busy):
            yield Marts(warehouse, settings, busy)
        return
    with connect(settings.profile, writing=False, console=console, clock=clock) as warehouse:
        yield Marts(warehouse, settings)


def minute(moment: datetime) -> str:
    """Returns a time in UTC as messages write it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _places(records: Mapping[str, MartRecord]) -> list[tuple[str | None, str, str]]:
    return [(record.database, record.schema, record.table) for record in records.values()]


def _several_builds(
    records: Mapping[str, MartRecord], builds: Mapping[str, Build], newest: Build
) -> str:
    replaced = sorted(mart for mart, record in records.items() if record.invocation_id == newest.id)
    return (
        f"The marts come from {len(builds)} builds: `dbt {newest.command}` of "
        f"{minute(newest.started_at)} replaced only {', '.join(replaced)}."
    )
