import subprocess
import sys

import pytest
from processes_support import lives
from support import wait_until

PROGRAM = """
import os, signal, sys, time
from exhaust.extract.processes import worker_pool
with worker_pool() as pool:
    pids = {pool.submit(os.getpid).result() for _ in "abc"}
    print(*pids, flush=True)
    for _ in pids:
        pool.submit(time.sleep, 600)
    sys.stdin.readline()
    for pid in pids:
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)
    raise SystemExit(3)
"""


@pytest.mark.parametrize("is_killed", [True, False])
def test_workers_end_at_once_with_a_load(is_killed: bool) -> None:
    """Worker processes scan large files in parallel; a scan may take minutes."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    workers = process.stdout.readline().split()
    assert workers
    assert all(map(lives, workers))

    if is_killed:
        process.kill()
    _, errors = process.communicate("go on\n" if not is_killed else None)

    wait_until(lambda: not any(map(lives, workers)), seconds=2)
    assert (process.returncode, errors) == (-9 if is_killed else 3, "")
