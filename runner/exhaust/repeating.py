"""Calls that repeat while other work goes on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeating(call: Callable[[], bool], seconds: float, name: str | None = None) -> Iterator[None]:
    """Calls a function every so many seconds, in a thread, until it returns False or the block
    ends. A last call is waited for."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(seconds) and call():
            pass

    thread = threading.Thread(target=run, name=name)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
