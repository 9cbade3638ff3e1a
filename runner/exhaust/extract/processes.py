"""Reads large files in parallel, in processes that end with this one even if it is killed."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
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


@contextmanager
def worker_pool() -> Iterator[ProcessPoolExecutor]:
    """Yields a pool with one worker per processor.

    The workers end with this process, and at once if the block raises.
    """
    outlet, inlet = multiprocessing.Pipe(duplex=False)
    with outlet, inlet, ProcessPoolExecutor(initializer=_prepare, initargs=(outlet, inlet)) as pool:
        try:
            yield pool
        except BaseException:
            inlet.close()
            raise


def _prepare(outlet: Connection, inlet: Connection) -> None:
    """Makes a worker end when no process has the inlet of the pipe any more."""
    inlet.close()
    # Signals reach all processes of a terminal, or of a service; the command ends its workers.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)

    def watch() -> None:
        outlet.poll(None)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
