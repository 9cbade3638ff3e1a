"""A project whose warehouse stays open between calls, for a server with many readers."""

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self, TypeVar, cast
from weakref import WeakKeyDictionary

from exhaust.errors import Busy
from exhaust.marts.records import Build, MartRecord
from exhaust.project.settings import Settings
from exhaust.warehouse import Warehouse
from exhaust.warehouse.pool import Pool

Value = TypeVar("Value")

MAX_REMEMBERED = 1_000


class Memory:
    """What is the same as long as the marts are those of one build."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._build_id = ""
        self._values: dict[Hashable, Any] = {}

    @property
    def size(self) -> int:
        """How much is remembered of the newest build."""
        return len(self._values)

    def remember(self, build_id: str, key: Hashable, make: Callable[[], Value]) -> Value:
        """Returns what `make` returned for the build; forgets what was of another build."""
        with self._lock:
            if build_id != self._build_id:
                self._build_id, self._values = build_id, {}
            values = self._values
            if key in values:
                return cast(Value, values[key])
        made = make()
        with self._lock:
            if len(values) >= MAX_REMEMBERED:
                values.pop(next(iter(values)))
            values[key] = made
        return made


@dataclass(frozen=True)
class Checked:
    """What was found out about marts that are the same as long as their connection is open."""

    build: Build
    marts: frozenset[str]
    """Those that are known to come from the build."""
    records: Mapping[str, MartRecord]
    """Where all marts are."""


class Copy:
    """A copy of the small marts of a warehouse that nobody can read during a build."""

    def __init__(self) -> None:
        self._connect: Callable[[], Warehouse] | None = None
        self.number = 0
        """How often it was made."""
        self._looked_at: tuple[int, ...] | None = None

    def is_outdated(self, file: Path) -> bool:
        """Returns whether the file has changed since it was last looked at."""
        return file.exists() and _identity(file) != self._looked_at

    def look_at(self, file: Path) -> None:
        """Notes the state of the file, whether or not it can be copied."""
        self._looked_at = _identity(file)

    def replace(self, connect: Callable[[], Warehouse]) -> None:
        self._connect = connect
        self.number += 1

    def connect(self) -> Warehouse | None:
        return self._connect and self._connect()


def _identity(file: Path) -> tuple[int, ...]:
    found = file.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class Resources:
    """What is opened once, and closed at the end. Use it as a context manager."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._opened: dict[Hashable, Any] = {}

    def keep(self, key: Hashable, open_it: Callable[[], AbstractContextManager[Value]]) -> Value:
        with self._lock:
            if key not in self._opened:
                self._opened[key] = self._stack.enter_context(open_it())
            return cast(Value, self._opened[key])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


@dataclass(frozen=True, kw_only=True)
class KeptOpen(Settings):
    """The settings of a project, with its open warehouse."""

    pool: Pool
    memory: Memory = field(default_factory=Memory)
    copy: Copy = field(default_factory=Copy)
    resources: Resources = field(default_factory=Resources)
    checked: WeakKeyDictionary[Warehouse, Checked] = field(default_factory=WeakKeyDictionary)
    """By connection, for marts that cannot change while it is open."""

    @classmethod
    def of(cls, settings: Settings, pool: Pool) -> "KeptOpen":
        values = {field.name: getattr(settings, field.name) for field in fields(settings)}
        return cls(**values, pool=pool)

    @contextmanager
    def reading(self) -> Iterator[tuple[Warehouse, Busy | None]]:
        """Gives a connection; during a build of a file, one to the copy, and why.

        Raises Busy if there is no copy yet, and what connecting raises.
        """
        with ExitStack() as stack:
            try:
                found: tuple[Warehouse, Busy | None] = (
                    stack.enter_context(self.pool.reading()),
                    None,
                )
            except Busy as error:
                copy = self.copy.connect()
                if copy is None:
                    raise
                found = stack.enter_context(copy), error
            yield found

    def keep(self, key: Hashable, open_it: Callable[[], AbstractContextManager[Value]]) -> Value:
        """Returns what `open_it` opened when it was first called for the key."""
        return self.resources.keep(key, open_it)
