"""A DuckDB file: one writer, or many readers, at a time."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, Self

import duckdb

from exhaust.errors import Busy, DataError, ExhaustError
from exhaust.extract.data_file import no_room
from exhaust.extract.landing import LandedFiles
from exhaust.leftovers import removed_at_the_end
from exhaust.warehouse import Warehouse
from exhaust.warehouse.pipe import copy_through_pipe

LOCK_TIMEOUT_SECONDS = 10.0
"""Seconds that a file held by another process is waited for."""

LOADER = {"preserve_insertion_order": "false", "memory_limit": "1GB"}
"""Settings under which a load's memory stays flat; landed rows have no order of their own."""


class DuckDBWarehouse(Warehouse):
    engine = "duckdb"
    copies_at_once = 2

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        super().__init__(name)
        self._connection = connection
        self._in_transaction = False
        self._new: _NewFile | None = None

    @classmethod
    def open(
        cls,
        options: Mapping[str, Any],
        *,
        writing: bool,
        notify: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Self:
        path = Path(options["path"])
        _check_path(path, writing=writing)
        new = None if path.exists() else _NewFile(path)
        file = str(new.file if new else path)
        config = {
            "autoinstall_known_extensions": "false",
            **(LOADER if writing else {}),
            **(options.get("config_options") or {}),
            **(options.get("settings") or {}),
        }
        deadline = clock() + LOCK_TIMEOUT_SECONDS
        waiting = False
        while True:
            try:
                connection = duckdb.connect(file, read_only=not writing, config=config)
            except duckdb.IOException as error:
                if "Could not set lock" not in str(error):
                    raise _unreadable(path, error) from error
                if clock() >= deadline:
                    raise Busy(
                        f"{path} is held by another process, and still was after "
                        f"{LOCK_TIMEOUT_SECONDS:.0f} seconds.",
                        "A build or a load may be running, or the file is open in another "
                        "program. Try again when it has ended.",
                    ) from error
                if not waiting:
                    notify(f"{path} is held by another process: waiting for it to end ...")
                    waiting = True
                sleep(0.1)
            except duckdb.Error as error:
                raise _unreadable(path, error) from error
            else:
                connection.execute("set TimeZone = 'UTC'")
                # Kept up for `progress` alone; nothing is printed.
                connection.execute("set enable_progress_bar = true")
                connection.execute("set enable_progress_bar_print = false")
                warehouse = cls(connection, str(path))
                warehouse._new = new
                return warehouse

    @property
    def version(self) -> str:
        return duckdb.__version__

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        try:
            self._connection.execute(sql)
        except duckdb.Error as error:
            raise no_room(error) or error from error
        if self._new and not self._in_transaction:
            self._new.has_content = True

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._connection.execute("begin transaction")
        self._in_transaction = True
        try:
            yield
        except BaseException:
            # A full disk has ended it already.
            with suppress(duckdb.Error):
                self._connection.execute("rollback")
            raise
        finally:
            self._in_transaction = False
        self.execute("commit")

    @contextmanager
    def snapshot(self, relations: Sequence[str]) -> Iterator[None]:
        del relations  # Nobody can write to a file that is open for reading.
        with self.transaction():
            yield

    def copy_out(self, select: str, write: Callable[[bytes], object]) -> int:
        # A cursor is a connection of its own, for one thread.
        with self._connection.cursor() as cursor:
            return copy_through_pipe(cursor, select, write)

    def insert(self, relation: str, groups: Sequence[LandedFiles]) -> int:
        return sum(self._insert(relation, files) for files in groups)

    def _insert(self, relation: str, files: LandedFiles) -> int:
        names = ", ".join(map(self.identifier, files.columns))
        try:
            counted = self._connection.execute(
                f"insert into {relation} ({names}) {files.reader}"
            ).fetchone()
        except duckdb.Error as error:
            raise files.fault(error) from error
        except RuntimeError as error:
            # DuckDB's answer to Ctrl-C; its own errors are no RuntimeErrors.
            raise KeyboardInterrupt from error
        rows = int(counted[0]) if counted else 0
        files.check(rows)
        return rows

    def progress(self) -> float | None:
        share = self._connection.query_progress()
        return share / 100 if share >= 0 else None

    def close(self) -> None:
        self._connection.close()
        if self._new:
            self._new.close()


class _NewFile:
    """A warehouse that gets its name when it is closed, if it has content by then; else nothing
    is left of it."""

    def __init__(self, path: Path) -> None:
        self._path = Path(os.path.realpath(path))
        self.file = self._path.with_name(f".{path.name}.{token_hex(4)}.part")
        self.has_content = False
        beside = [self.file.with_name(self.file.name + ending) for ending in (".wal", ".tmp")]
        self._leftovers = ExitStack()
        self._leftovers.enter_context(removed_at_the_end(self.file, *beside))

    def close(self) -> None:
        with self._leftovers:
            if self.has_content:
                self._take_name()

    def _take_name(self) -> None:
        try:
            self._path.hardlink_to(self.file)
        except OSError as error:
            if not self._path.exists():  # The file system has no links.
                self.file.rename(self._path)
                return
            raise Busy(
                f"{self._path} was made by another process at the same time.",
                "Load again, if this is the extract that counts.",
            ) from error


def _check_path(path: Path, *, writing: bool) -> None:
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a DuckDB file.")
    if writing and not path.parent.is_dir():
        raise DataError(f"There is no folder {path.parent} for the DuckDB file {path.name}.")
    if not writing and not path.exists():
        raise DataError(
            f"Nothing is loaded: there is no DuckDB file {path}.",
            "Load an extract with `exhaust load DIR`, then run `exhaust build`.",
        )


def _unreadable(path: Path, error: duckdb.Error) -> ExhaustError:
    reason = str(error).splitlines()[0]
    return DataError(
        f"{path} cannot be opened as a DuckDB file: {reason}",
        "Give another file by EXHAUST_DUCKDB_PATH or in profiles.yml.",
    )
