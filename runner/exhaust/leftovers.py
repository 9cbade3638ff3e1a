"""Files that are gone when this process is, even if it is killed."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

REMOVE = 'cat > /dev/null; rm -rf -- "$@"'
"""Waits for the end of its input, which is that of the process that holds its other end."""


@contextmanager
def removed_at_the_end(*paths: Path) -> Iterator[None]:
    """Removes files and folders when the block ends, or this process is killed in it.

    What was given another name by then stays. Where there is no shell, a killed process leaves
    them.
    """
    try:
        with _watch(paths):
            yield
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


@contextmanager
def _watch(paths: tuple[Path, ...]) -> Iterator[None]:
    watcher = None
    with suppress(OSError):
        watcher = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", REMOVE, "sh", *map(str, paths)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for this process, which removes the files itself.
            start_new_session=True,
        )
    try:
        yield
    finally:
        if watcher is not None:
            watcher.communicate()
