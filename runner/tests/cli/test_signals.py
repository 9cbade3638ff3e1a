"""SIGINT and SIGTERM at bad moments: one line, the signal's exit code, no traceback."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_support import COURSE

pytestmark = pytest.mark.not_on_spark  # Another process cannot open the metastore.

PROGRAM = """
import os, signal, sys
NUMBER = int(sys.argv.pop(1))
from exhaust.cli import main

def stop():
    signal.raise_signal(NUMBER)

{moment}
main()
"""

MOMENTS = {
    "during an import": """
class Finder:
    def find_spec(self, name, *_):
        if name == "exhaust.marts.state":
            stop()
sys.meta_path.insert(0, Finder())
""",
    "where Python drops what is raised": """
class Dropped:
    def __del__(self):
        stop()
from exhaust.marts import state
def wait(*_):
    Dropped()
    signal.pause()
    os.wait()
state.open_marts = wait
""",
    "in a query": """
from exhaust.marts import state
def query(*_):
    import duckdb
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.create_function("stop", lambda n: stop() or n, ["bigint"], "bigint")
        connection.execute("select sum(stop(range)) from range(1000000000)")
state.open_marts = query
""",
    "while another thread uses what is closed": """
import threading
from exhaust.marts import state
from exhaust.repeating import repeating
def watch(*_):
    import duckdb
    asked = threading.Event()
    connection = duckdb.connect()
    def ask():
        asked.set()
        connection.execute("select 1")
        return True
    class Thread(threading.Thread):
        def join(self, *_):
            if NUMBER:
                globals().update(NUMBER=0)
                signal.raise_signal(int(number))
            super().join()
    number, threading.Thread = NUMBER, Thread
    with connection, repeating(ask, 0):
        asked.wait()
state.open_marts = watch
""",
    "in an error's handling": """
from exhaust.marts import state
def fail(*_):
    try:
        stop()
    finally:
        raise RuntimeError("Connection already closed")
state.open_marts = fail
""",
    "while the display closes": """
from exhaust.cli.display import Display
Display.close = lambda self: stop()
""",
    "while Python ends": """
class Last:
    def __del__(self, kill=os.kill, pid=os.getpid(), number=NUMBER):
        kill(pid, number)
last = Last()
""",
    "twice": """
from exhaust.marts import state
def twice(*_):
    try:
        stop()
    finally:
        stop()
state.open_marts = twice
""",
}
QUIET = ("while the display closes", "while Python ends")
"""At these moments, the command has ended: a signal is ignored."""


def run(moment: str, number: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(moment=MOMENTS[moment]), str(number), *arguments],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=str)
@pytest.mark.parametrize("moment", [moment for moment in MOMENTS if moment not in QUIET])
def test_a_signal_ends_a_command_with_one_line(
    sample: Path, moment: str, number: signal.Signals
) -> None:
    done = run(moment, number, "batches", COURSE)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "Interrupted.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=str)
def test_programs_read_that_a_command_was_interrupted(sample: Path, number: signal.Signals) -> None:
    done = run("in a query", number, "courses", "--json")
    assert done.returncode == 128 + number
    assert json.loads(done.stdout)["error"]["code"] == "interrupted"


@pytest.mark.parametrize("moment", QUIET)
def test_a_signal_after_the_end_changes_nothing(sample: Path, moment: str) -> None:
    done = run(moment, signal.SIGTERM, "courses", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["courses"]
