import subprocess
import sys
from pathlib import Path

from support import wait_until


def test_workers_end_with_a_killed_load(tmp_path: Path) -> None:
    """Worker processes scan large files in parallel."""
    program = (
        "import os, sys, time; from exhaust.extract.processes import worker_pool\n"
        "with worker_pool() as pool:\n"
        "    print(*pool.map(os.getppid, []), *{pool.submit(os.getpid).result() for _ in 'abc'}, "
        "flush=True)\n"
        "    sys.stdin.readline()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    workers = process.stdout.readline().split()
    assert workers
    assert all(Path("/proc", pid).exists() for pid in workers)

    process.kill()
    process.communicate()

    wait_until(lambda: not any(Path("/proc", pid).exists() for pid in workers))
