"""SIGINT (Ctrl-C) and SIGTERM: they end a command with one line, wherever it is."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
MESSAGE = "Interrupted."
AGAIN_SECONDS = 0.05
"""When a signal is raised again, where Python could only print what it raised, or must not raise
anything."""
LOADS_NATIVE_CODE = {"ExtensionFileLoader.create_module", "ExtensionFileLoader.exec_module"}
"""Functions of importlib in which native code, such as DuckDB's, may end the process if anything is
raised."""

_received: signal.Signals | None = None
_is_over = False


def stopped_by(error: BaseException | None = None) -> signal.Signals | None:
    """Returns the signal that ends the command, or None.

    After a signal, whatever is raised is its consequence: engines and libraries turn it into errors
    of their own, such as `Query interrupted` or `Connection already closed`.
    """
    if _received is None and isinstance(error, KeyboardInterrupt):
        return signal.SIGINT
    return _received


def ignore_signals() -> None:
    """Ignores signals from now on: it is decided how the command ends."""
    global _is_over
    _is_over = True


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raises KeyboardInterrupt in the block on the first signal, and ignores those that follow.

    If the block does not say itself that it was interrupted, this does, with the exit code.
    """
    global _received, _is_over
    _received, _is_over = None, False
    sys.unraisablehook, threading.excepthook = _raise_again, _drop_consequences
    for caught in (*SIGNALS, signal.SIGALRM):
        signal.signal(caught, _stop)
    try:
        yield
    except BaseException:
        number = stopped_by()
        if _is_over or number is None:
            raise
        print(MESSAGE, file=sys.stderr)
        raise SystemExit(128 + number) from None
    finally:
        ignore_signals()
        # While Python ends, it would give them back to the system, which ends the process.
        for caught in SIGNALS:
            signal.signal(caught, signal.SIG_IGN)


def _stop(number: int, frame: FrameType | None) -> None:
    global _received
    is_again = number == signal.SIGALRM
    if _is_over or (_received and not is_again):
        return
    if not is_again:
        _received = signal.Signals(number)
    if _loads_native_code(frame):
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
        return
    raise KeyboardInterrupt


def _loads_native_code(frame: FrameType | None) -> bool:
    while frame:
        if frame.f_code.co_qualname in LOADS_NATIVE_CODE:
            return True
        frame = frame.f_back
    return False


def _raise_again(unraisable: Any) -> None:
    if _received is None:
        sys.__unraisablehook__(unraisable)
    elif isinstance(unraisable.exc_value, KeyboardInterrupt):
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)


def _drop_consequences(raised: Any) -> None:
    if _received is None:
        threading.__excepthook__(raised)
