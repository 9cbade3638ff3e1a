"""Runs dbt in a process that ends when its standard input does.

Its standard input is a pipe from the command, so that is when the command ended or was killed.
`run_dbt` starts this file as a script, in a session of its own.
"""

import gc
import os
import signal
import sys
import threading

CANCEL_SECONDS = 0.5
"""How long dbt has to cancel its queries when the command is gone."""


def main() -> None:
    """Runs dbt with the arguments of this process."""
    # A shell makes what it starts in the background ignore SIGINT; dbt has to end with it. Services
    # are stopped with SIGTERM, which would end dbt without cancelling anything.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(_take_standard_input(),), daemon=True).start()
    # With Python's default, garbage collection takes a seventh of dbt's own time.
    gc.set_threshold(50_000)
    from dbt.cli.main import cli

    cli(prog_name="dbt")


def _take_standard_input() -> int:
    """Returns a descriptor of standard input, which is empty for dbt and what it starts."""
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return pipe


def _end_with(pipe: int) -> None:
    while os.read(pipe, 1):
        pass
    # SIGALRM ends the process whatever it does, even in Python's own end, where no thread runs.
    signal.setitimer(signal.ITIMER_REAL, CANCEL_SECONDS)
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    sys.argv[0] = "dbt"
    main()
