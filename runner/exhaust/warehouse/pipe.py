"""DuckDB's COPY through a pipe, so that its bytes can be counted, prefixed or passed on."""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import duckdb

from exhaust.repeating import join

CHUNK = 1 << 20
"""Bytes, of the pipe and of each chunk: smaller ones cost more time."""


def copy_through_pipe(
    connection: duckdb.DuckDBPyConnection,
    select: str,
    write: Callable[[bytes], object],
) -> int:
    """Streams a SELECT as CSV without a header to `write`, in chunks; returns the rows.

    Null is an empty field, and an empty string is `""`. What `write` raises stops DuckDB and is
    raised again, as is a duckdb.Error of the SELECT.
    """
    return _copy(connection, select, write, "quote '\"', escape '\"'")


def copy_lines_through_pipe(
    connection: duckdb.DuckDBPyConnection,
    select: str,
    write: Callable[[bytes], object],
) -> int:
    """Streams a SELECT of one text column to `write` as lines, as they are; returns the rows.

    Errors are those of `copy_through_pipe`.
    """
    return _copy(connection, select, write, "quote '', escape ''")


@contextmanager
def flat_memory(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Copies with one thread: others would hold rows in memory until it is their turn."""
    found = connection.execute("select current_setting('threads')").fetchone()
    connection.execute("set threads = 1")
    try:
        yield
    finally:
        connection.execute(f"set threads = {found[0] if found else 1}")


def _copy(
    connection: duckdb.DuckDBPyConnection,
    select: str,
    write: Callable[[bytes], object],
    quotes: str,
) -> int:
    outlet, inlet = _pipe()
    rows = 0
    failure: Exception | None = None

    def run() -> None:
        nonlocal rows, failure
        # `comment ''`: DuckDB would otherwise quote every field that holds a `#`.
        copy = (
            f"copy ({select}) to '/dev/fd/{inlet}' (format csv, header false, delimiter ',', "
            f"{quotes}, nullstr '', comment '')"
        )
        try:
            counted = connection.execute(copy).fetchone()
            rows = counted[0] if counted else 0
        except Exception as error:
            failure = error
        finally:
            os.close(inlet)

    worker = threading.Thread(target=run)
    try:
        worker.start()
        while chunk := os.read(outlet, CHUNK):
            write(chunk)
    except BaseException:
        connection.interrupt()
        raise
    finally:
        os.close(outlet)
        join(worker)
    if failure is not None:
        raise failure
    return rows


def _pipe() -> tuple[int, int]:
    outlet, inlet = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):  # Linux has it, and may refuse the size.
        with suppress(OSError):
            fcntl.fcntl(inlet, fcntl.F_SETPIPE_SZ, CHUNK)
    return outlet, inlet
