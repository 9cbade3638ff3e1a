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
    try:
        thread.start()
        yield
    finally:
        ended.set()
        join(thread)


def join(thread: threading.Thread) -> None:
    """Waits for a thread even if Ctrl-C interrupts that: it uses what its caller then closes."""
    try:
        if thread.ident is not None:
            thread.join()
    except KeyboardInterrupt:
        thread.join()
        raise
