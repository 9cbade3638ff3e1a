"""Reads large files side by side, in processes that end with this one, even if it is killed."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import TypeVar

from exhaust.extract.part import Part

WORTH_PROCESSES = 64 << 20
"""Bytes."""

Told = TypeVar("Told")


def looked_into(parts: Sequence[Part], look: Callable[[Part], Told]) -> list[Told]:
    """What `look` tells of each part; large ones are looked into side by side.

    Raises what it raises for the first part at fault.
    """
    if sum(part.size for part in parts) < WORTH_PROCESSES:
        return [look(part) for part in parts]
    largest_first = sorted(parts, key=lambda part: part.size, reverse=True)
    with worker_pool() as pool:
        told = {part: pool.submit(look, part) for part in largest_first}
        return [told[part].result() for part in parts]


def worker_pool() -> ProcessPoolExecutor:
    """As many workers as there are processors."""
    return ProcessPoolExecutor(initializer=_end_with_parent)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
