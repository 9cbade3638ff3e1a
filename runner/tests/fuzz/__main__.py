"""`python -m fuzz`: takes mutated extracts of every form through load, build and export.

The seed and the number determine a case, so `--seed S --case N` repeats it. Exits with 1 if there
is a traceback, a hang, a difference, a failed test or a row unaccounted for.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from pathlib import Path

from support import PROJECT

from fuzz.job import run_job
from fuzz.run import KINDS, summary


def main() -> int:
    arguments = _arguments()
    numbers = [arguments.case] if arguments.case is not None else range(arguments.cases)
    kept = arguments.kept / f"seed-{arguments.seed}"
    started = time.monotonic()
    jobs = min(arguments.jobs, len(numbers))
    context = multiprocessing.get_context("spawn")
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        # One pool per job, because a pool that loses a process is broken as a whole.
        pools = [stack.enter_context(ProcessPoolExecutor(1, context)) for _ in range(jobs)]
        parts = [
            pool.submit(run_job, arguments.seed, numbers[job::jobs], kept, arguments.minutes * 60)
            for job, pool in enumerate(pools)
        ]
        for part in parts:
            try:
                counts += part.result()
            except BrokenProcessPool:
                counts["traceback"] += 1
                print(f"A process died; its case is in {kept}/running-….")
    seconds = time.monotonic() - started
    print(f"seed {arguments.seed}: {summary(counts)}, in {seconds:.0f} s")
    if not any(counts[kind] for kind in KINDS):
        return 0
    print(f"The extracts are in {kept}. `--seed {arguments.seed} --case N` repeats a case.")
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="default: the current time"
    )
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=60.0, help="time limit")
    parser.add_argument("--case", type=int, help="run only this case")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--kept", type=Path, default=PROJECT / "target" / "fuzz")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
