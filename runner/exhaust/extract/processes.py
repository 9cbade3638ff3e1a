"""Reads large files in parallel, in processes that end with this one even if it is killed."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import TypeVar

from exhaust.extract.part import Part

MIN_PARALLEL_BYTES = 64 << 20
"""Total size from which starting processes pays off."""

Result = TypeVar("Result")


def map_parts(parts: Sequence[Part], read: Callable[[Part], Result]) -> list[Result]:
    """Returns the result of `read` for each part, in order. Large parts are read in parallel.

    Raises what `read` raises for the first faulty part.
    """
    if sum(part.size for part in parts) < MIN_PARALLEL_BYTES:
        return [read(part) for part in parts]
    largest_first = sorted(parts, key=lambda part: part.size, reverse=True)
    with worker_pool() as pool:
        futures = {part: pool.submit(read, part) for part in largest_first}
        return [futures[part].result() for part in parts]


def worker_pool() -> ProcessPoolExecutor:
    """Returns a pool with one worker per processor."""
    return ProcessPoolExecutor(initializer=_exit_with_parent)


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
