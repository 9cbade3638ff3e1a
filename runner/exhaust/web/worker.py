"""The workers of a server: child processes that are started again when they end."""

import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

RESTART_SECONDS = 2.0
"""How long a worker that ended is left, so that one that cannot start does not do so all the
time."""
END_SECONDS = 20.0
"""How long a worker has to put its request back."""


class Workers:
    """So many `exhaust process --watch`. Use it as a context manager."""

    def __init__(
        self,
        number: int,
        command: Sequence[str],
        say: Callable[[str], None],
        restart_seconds: float = RESTART_SECONDS,
    ) -> None:
        self._number = number
        self._command = command
        self._say = say
        self._restart_seconds = restart_seconds
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def process_ids(self) -> list[int]:
        """Returns the IDs of the processes that run now."""
        with self._lock:
            return [child.pid for child in self._children.values() if child.poll() is None]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keeps the workers running while the block does."""
        threads = [
            threading.Thread(target=self._keep, args=(index,), name=f"worker {index}")
            for index in range(self._number)
        ]
        try:
            for thread in threads:
                thread.start()
            yield
        finally:
            self._ended.set()
            self._stop()
            for thread in threads:
                thread.join()

    def _keep(self, index: int) -> None:
        while True:
            with self._lock:
                if self._ended.is_set():
                    return
                child = self._children[index] = self._start()
            code = child.wait()
            if not self._ended.is_set():
                self._say(f"A worker ended with exit code {code}: starting it again.")
            if self._ended.wait(self._restart_seconds):
                return

    def _start(self) -> "subprocess.Popen[bytes]":
        # Its standard input is a pipe from this process: it ends when this process does.
        return subprocess.Popen(  # noqa: S603
            self._command,
            stdin=subprocess.PIPE,
            # Ctrl-C is for the server, which then ends its workers.
            start_new_session=True,
        )

    def _stop(self) -> None:
        with self._lock:
            children = [*self._children.values()]
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
