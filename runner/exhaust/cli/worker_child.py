"""Runs the command in a process that ends when its standard input does.

`exhaust serve` starts this file as a script, with its arguments. Its standard input is a pipe from
the server, so that is when the server ended or was killed.
"""

import os
import signal
import sys
import threading


def _end_with(pipe: int) -> None:
    while os.read(pipe, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Runs the command until it ends, or its standard input does."""
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
    # A script's own folder comes first: a module there could hide another one.
    sys.path.pop(0)
    from exhaust.cli import main as exhaust

    sys.argv[0] = "exhaust"
    exhaust()


if __name__ == "__main__":
    main()
