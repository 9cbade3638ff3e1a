"""Files that are removed when this process ends, even if it is killed."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

REMOVE = """trap '' HUP INT TERM; cat > /dev/null; rm -rf -- "$@" """
"""Waits for the end of its input, which comes when the process at its other end is gone.

A service is stopped with a signal to all of its processes; this one has to outlive the others.
"""


@contextmanager
def removed_at_the_end(*paths: Path) -> Iterator[None]:
    """Removes files and folders when the block ends, or when this process is killed inside it.

    A file that was renamed in the meantime stays. Where there is no shell, a killed process leaves
    the files behind.
    """
    try:
        with _watch(paths):
            yield
    finally:
        for path in paths:
            if path.is_dir():
                shutil.rmtree(path)
            else:
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
