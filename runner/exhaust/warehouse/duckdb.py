"""A DuckDB file: one writer, or many readers, at a time."""

import fcntl
import glob
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self

import duckdb

from exhaust.console import SILENCE, SYSTEM_CLOCK, Clock, Console
from exhaust.errors import Busy, DataError, ExhaustError, UsageError
from exhaust.extract.data_file import no_room
from exhaust.extract.landing import LandedFiles
from exhaust.leftovers import removed_at_the_end
from exhaust.permissions import private_files
from exhaust.project.profile import Profile, is_file_path
from exhaust.warehouse import LOCK_TIMEOUT_SECONDS, LockWait, Warehouse
from exhaust.warehouse.pipe import copy_through_pipe

LOADER = {"preserve_insertion_order": "false", "memory_limit": "1GB"}
"""Settings that keep a load's memory flat; landed rows need no order."""

SMALL_MEMORY = "64MB"
"""Less than it keeps after an export of any size."""

MAX_COPIED_ROWS = 2_000_000

RESERVED = ("main", "temp", "system", "information_schema")
"""Names that DuckDB does not give to the database of a file."""
NOT_FOR_DBT = "'\"#;\\"
"""Characters that dbt-duckdb does not find the database's name with."""
NAME_HINT = (
    "Give the file another name, such as warehouse.duckdb, with EXHAUST_DUCKDB_PATH or in "
    "profiles.yml."
)


class DuckDBWarehouse(Warehouse):
    engine = "duckdb"
    usual_schema = "main"
    is_a_file = True
    can_change_while_open = False
    copies_at_once = 2

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        super().__init__(name)
        self._connection = connection
        ((self._catalog,),) = connection.execute("select current_catalog()").fetchall()
        self._in_transaction = False
        self._new: _NewFile | None = None
        self._memory_limit: str | None = None
        self._private = ExitStack()

    @classmethod
    def open(
        cls,
        profile: Profile,
        *,
        writing: bool,
        console: Console = SILENCE,
        clock: Clock = SYSTEM_CLOCK,
    ) -> Self:
        path = file_of(profile)
        _check_path(path, writing=writing)
        if writing:
            _check_name(path, profile.schema)
        new = None if path.exists() else _NewFile(path)
        config = {
            "autoinstall_known_extensions": "false",
            **(LOADER if writing else {}),
            **(profile.options.get("config_options") or {}),
            **(profile.options.get("settings") or {}),
        }
        file = new.file if new else path
        if writing:
            _sweep(path)
        with ExitStack() as private:
            # DuckDB creates files as long as it is open: its log, and what is too large for memory.
            private.enter_context(private_files())
            connection = _wait_for_lock(
                path,
                lambda: duckdb.connect(file, read_only=not writing, config=config),
                console,
                clock,
            )
            if writing:
                # Nobody else has the file open, so what DuckDB spilled there is a killed process's.
                _remove(path.with_name(f"{path.name}.tmp"))
            connection.execute("set TimeZone = 'UTC'")
            # Computed for `progress` only; nothing is printed.
            connection.execute("set enable_progress_bar = true")
            connection.execute("set enable_progress_bar_print = false")
            warehouse = cls(connection, str(path))
            warehouse._new = new
            warehouse._memory_limit = config.get("memory_limit")
            warehouse._private = private.pop_all()
            return warehouse

    @classmethod
    def ledger_file(cls, profile: Profile) -> Path:
        return cls.beside(file_of(profile), profile, "requests")

    @classmethod
    def file(cls, profile: Profile) -> Path:
        return file_of(profile)

    @classmethod
    def lock_file(cls, profile: Profile) -> Path:
        return cls.beside(file_of(profile), profile, "lock")

    def relation(self, schema: str, table: str) -> str:
        # The catalog has the file's name. If a schema has the same, a table's name needs both.
        return f"{self.identifier(self._catalog)}.{super().relation(schema, table)}"

    def create_schema(self, schema: str) -> None:
        _check_name(Path(self.name), schema)
        name = f"{self.identifier(self._catalog)}.{self.identifier(schema)}"
        self.execute(f"create schema if not exists {name}")

    @property
    def version(self) -> str:
        return duckdb.__version__

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with _interrupts():
            return self._connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        try:
            with _interrupts():
                self._connection.execute(sql)
        except duckdb.Error as error:
            raise no_room(error) or self._of_the_disk(error) or error from error
        if self._new and not self._in_transaction:
            self._new.has_content = True

    def _of_the_disk(self, error: duckdb.Error) -> ExhaustError | None:
        """Returns our error if DuckDB could not read or write its files."""
        reason = str(error).splitlines()[0]
        if isinstance(error, duckdb.IOException) or " file " in reason:
            return ExhaustError(
                f"{self.name} cannot be written: {reason.rstrip('.')}.",
                "Check the disk and the folder, and run the command again.",
            )
        return None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._connection.execute("begin transaction")
        self._in_transaction = True
        try:
            yield
        except BaseException:
            # A full disk has already ended the transaction.
            with suppress(duckdb.Error):
                self._connection.execute("rollback")
            raise
        finally:
            self._in_transaction = False
        self.execute("commit")

    @contextmanager
    def snapshot(self, relations: Sequence[str]) -> Iterator[None]:
        del relations  # No process can write to a file that is open for reading.
        with self.transaction():
            yield

    def copy_out(self, select: str, write: Callable[[bytes], object]) -> int:
        # A cursor is a separate connection, for use by one thread.
        with self._connection.cursor() as cursor:
            return copy_through_pipe(cursor, select, write)

    def release_memory(self) -> None:
        # DuckDB has no statement for it, but keeps to a new limit at once, or refuses it.
        with suppress(duckdb.Error):
            self._connection.execute(f"set memory_limit = '{SMALL_MEMORY}'")
        limit = self._memory_limit and f"set memory_limit = {self.literal(self._memory_limit)}"
        self.execute(limit or "reset memory_limit")

    def insert(self, relation: str, groups: Sequence[LandedFiles]) -> int:
        return sum(self._insert(relation, files) for files in groups)

    def _insert(self, relation: str, files: LandedFiles) -> int:
        names = ", ".join(map(self.identifier, files.columns))
        try:
            with _interrupts():
                counted = self._connection.execute(
                    f"insert into {relation} ({names}) {files.reader}"
                ).fetchone()
        except duckdb.Error as error:
            raise files.fault(error) from error
        rows = int(counted[0]) if counted else 0
        files.check(rows)
        return rows

    def progress(self) -> float | None:
        share = self._connection.query_progress()
        return share / 100 if share >= 0 else None

    def copied(self, tables: Collection[tuple[str, str]]) -> Callable[[], "DuckDBWarehouse"]:
        sizes = self.query(
            "select schema_name, table_name, estimated_size from duckdb_tables() "
            "where database_name = current_catalog()"
        )
        small = [(schema, table) for schema, table, rows in sizes if rows <= MAX_COPIED_ROWS]
        # In a database of its own: one that is open for reading has no room for it. By files: who
        # closes a file that the same process has open elsewhere gives up the lock on it.
        memory = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
        memory.execute("attach ':memory:' as copy (compress)")
        with TemporaryDirectory(prefix="exhaust-copy-") as folder:
            file = self.literal(str(Path(folder) / "table.parquet"))
            for schema, table in small:
                if (schema, table) in tables:
                    name = f"{self.identifier(schema)}.{self.identifier(table)}"
                    self.execute(f"copy {self.relation(schema, table)} to {file} (format parquet)")
                    memory.execute(f"create schema if not exists copy.{self.identifier(schema)}")
                    memory.execute(f"create table copy.{name} as from read_parquet({file})")

        def connect_to_copy() -> DuckDBWarehouse:
            cursor = memory.cursor()
            cursor.execute("use copy; set TimeZone = 'UTC'")
            return DuckDBWarehouse(cursor, self.name)

        return connect_to_copy

    def close(self) -> None:
        with self._private, self._new or nullcontext(), closing(self._connection):
            if self._new and self._new.has_content:
                # When DuckDB closes, it ignores a full disk: what is only in its log would be lost.
                self.execute("force checkpoint")


@contextmanager
def _interrupts() -> Iterator[None]:
    """Raises KeyboardInterrupt for what DuckDB makes of it; its own errors are no RuntimeErrors."""
    try:
        yield
    except RuntimeError as error:
        raise KeyboardInterrupt from error


class _NewFile:
    """A new warehouse: it gets its name when it is closed, or is removed if it has no content."""

    of_this_process: ClassVar[set[Path]] = set()

    def __init__(self, path: Path) -> None:
        self._path = Path(os.path.realpath(path))
        self.file = self._path.with_name(f".{path.name}.{token_hex(4)}.part")
        self.has_content = False
        self.of_this_process.add(self.file)
        beside = [self.file.with_name(self.file.name + ending) for ending in (".wal", ".tmp")]
        self._leftovers = ExitStack()
        self._leftovers.enter_context(removed_at_the_end(self.file, *beside))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.of_this_process.discard(self.file)
        with self._leftovers:
            if self.has_content and kind is None:
                self._take_name()

    def _take_name(self) -> None:
        try:
            self._path.hardlink_to(self.file)
        except OSError as error:
            if not self._path.exists():  # The file system has no links.
                self.file.rename(self._path)
                return
            raise Busy(
                f"{self._path} was created by another process at the same time.",
                "If yours is the extract to keep, load it again.",
            ) from error


def _sweep(path: Path) -> None:
    """Removes new warehouses that killed processes have left next to a path: nobody locks them.

    Usually, they are removed when the process ends; not if all that it had started was killed too.
    """
    path = Path(os.path.realpath(path))
    found = set(path.parent.glob(f".{glob.escape(path.name)}.*.part"))
    # Not its own: the lock of a process does not keep the process itself out.
    for part in found - _NewFile.of_this_process:
        with suppress(OSError), part.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for ending in (".wal", ".tmp"):
                _remove(part.with_name(part.name + ending))
            part.unlink()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def file_of(profile: Profile) -> Path:
    """Returns the file of a profile; UsageError if its path is not one."""
    path = profile.options.get("path")
    if not path or not is_file_path(str(path)):
        raise UsageError(
            f"The target `{profile.target}` has no file in `path`, and the next command needs "
            "what this one writes.",
            "Give a file with EXHAUST_DUCKDB_PATH or in profiles.yml.",
        )
    return profile.project_dir / Path(str(path)).expanduser()


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


def _check_name(path: Path, schema: str) -> None:
    """Raises UsageError if dbt could not build in a file because of its name."""
    database = path.name.lstrip(".").partition(".")[0]
    if database.casefold() in (*RESERVED, schema.casefold()):
        raise UsageError(
            f"The DuckDB file {path} has the name of a schema, `{database}`, and dbt could not "
            "build in it.",
            NAME_HINT,
        )
    for character in NOT_FOR_DBT:
        if character in path.name:
            raise UsageError(
                f"The DuckDB file {path} has the character {character} in its name, and dbt could "
                "not build in it.",
                NAME_HINT,
            )


def _wait_for_lock(
    path: Path,
    connect: Callable[[], duckdb.DuckDBPyConnection],
    console: Console,
    clock: Clock,
) -> duckdb.DuckDBPyConnection:
    """Connects as soon as no other process holds the file."""
    wait = LockWait(console, clock)
    while True:
        try:
            return connect()
        except duckdb.Error as error:
            is_locked = isinstance(error, duckdb.IOException) and (
                "Could not set lock" in str(error)
            )
            if not is_locked:
                reason = str(error).splitlines()[0]
                raise DataError(
                    f"{path} cannot be opened as a DuckDB file: {reason}",
                    "Give another file with EXHAUST_DUCKDB_PATH or in profiles.yml.",
                ) from error
            if wait.is_over:
                raise Busy(
                    f"{path} is held by another process, and still was after "
                    f"{LOCK_TIMEOUT_SECONDS:.0f} seconds.",
                    "A build or a load may be running, or another program has the file open. "
                    "Try again when it has ended.",
                ) from error
        wait.pause(f"{path} is held by another process: waiting for it to end ...", 0.1)
