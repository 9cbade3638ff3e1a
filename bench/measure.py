"""Measures what a process costs: wall time, processor time, peak memory and bytes."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

RUSAGE = Path(__file__).with_name("rusage.py")


@dataclass(frozen=True)
class Cost:
    wall: float
    """Seconds of the whole process."""
    cpu: float
    """Processor seconds of the process, its children and, if there is one, the Postgres server."""
    peak_mb: float
    """Peak memory of the process or its largest child: the client, which includes DuckDB."""
    bytes_in: int = 0
    bytes_out: int = 0
    output: str = ""

    def of(self, bytes_in: int, bytes_out: int) -> "Cost":
        return replace(self, bytes_in=bytes_in, bytes_out=bytes_out)


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    server: psutil.Process | None = None,
) -> Cost:
    """Runs a command with a working folder for notes. Raises RuntimeError if it fails."""
    usage = folder / "usage.json"
    before = _server_time(server)
    measured = [sys.executable, "-I", "-S", str(RUSAGE), str(usage), *command]
    done = subprocess.run(
        measured,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}")
    used = json.loads(usage.read_text())
    used["cpu"] += _server_time(server) - before
    return Cost(**used, output=done.stdout)


def clean_environment() -> dict[str, str]:
    """Returns the environment without variables that configure exhaust, dbt or Postgres."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("EXHAUST_", "DBT_", "PG"))
    }


def median(measure: Callable[[], Cost], times: int = 3) -> Cost:
    """Returns the run with the median wall time."""
    costs = sorted((measure() for _ in range(times)), key=lambda cost: cost.wall)
    return costs[statistics.median_low(range(times))]


def size(path: Path) -> int:
    """Returns the size in bytes of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
    return path.stat().st_size


def _server_time(server: psutil.Process | None) -> float:
    """Returns the processor seconds of a Postgres server so far, with processes that have ended."""
    if server is None:
        return 0.0
    own = server.cpu_times()
    total: float = own.user + own.system + own.children_user + own.children_system
    for child in server.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
