"""A project whose warehouse stays open between calls, for a server with many readers."""

import threading
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeVar, cast

from exhaust.project.settings import Settings
from exhaust.warehouse.pool import Pool

Value = TypeVar("Value")

MAX_REMEMBERED = 1_000


class Memory:
    """What is the same as long as the marts are those of one build."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._build_id = ""
        self._values: dict[Hashable, Any] = {}

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
    resources: Resources = field(default_factory=Resources)

    @classmethod
    def of(cls, settings: Settings, pool: Pool) -> "KeptOpen":
        values = {field.name: getattr(settings, field.name) for field in fields(settings)}
        return cls(**values, pool=pool)

    def keep(self, key: Hashable, open_it: Callable[[], AbstractContextManager[Value]]) -> Value:
        """Returns what `open_it` opened when it was first called for the key."""
        return self.resources.keep(key, open_it)
