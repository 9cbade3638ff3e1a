"""Measures exhaust on Spark at several sizes, and writes the table in docs/scaling.md.

python -m bench.scaling [--small]
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from bench.generate import generate
from bench.measure import clean_environment, run, size
from bench.run import BIG, BIN, LIGHT, PROJECT, machine, smaller
from bench.shape import course_id

FIVE_TIMES = replace(
    LIGHT,
    enrolments=5 * LIGHT.enrolments,
    batches=5 * LIGHT.batches,
    courses=5 * LIGHT.courses,
)
SIZES = {
    "1 M": LIGHT,
    "5 M": FIVE_TIMES,
    "0.3 M in one batch": replace(BIG, enrolments=300_000),
}
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
MEMORY = "8g"
"""Memory of the one process that is both driver and executor."""


@dataclass(frozen=True)
class Stage:
    """The resources that Spark used for a command, in bytes unless stated otherwise."""

    wall: float
    """Wall time in seconds."""
    written: int
    shuffled: int
    spilled: int


def measure(folder: Path, divisor: int) -> dict[str, dict[str, Any]]:
    """Returns figures by size and stage."""
    figures: dict[str, dict[str, Any]] = {}
    for name, shape in SIZES.items():
        own_folder = folder / name.replace(" ", "").replace(",", "-")
        extract = own_folder / "extract"
        generate(smaller(shape, divisor), extract)
        course = course_id(0)
        commands = {
            "load": ["load", str(extract)],
            "build (models)": ["build", "--", "--resource-type", "model"],
            "build": ["build"],
            "export of a course": ["export", course, "-o", str(own_folder / "course.csv")],
        }
        environment = _environment(own_folder)
        for stage, command in commands.items():
            figures.setdefault(name, {})[stage] = vars(_run(own_folder, environment, command))
            figures[name][stage]["warehouse"] = size(own_folder / "warehouse")
            print(f"{datetime.now(UTC):%H:%M:%S} {name}, {stage}", file=sys.stderr, flush=True)
        figures[name]["extract"] = size(extract)
        shutil.rmtree(own_folder)
    return figures


def _environment(folder: Path) -> dict[str, str]:
    """Returns an environment with the example profile, its own warehouse, and Spark's event log."""
    profiles = yaml.safe_load((PROJECT / "profiles.example.yml").read_text())
    output = profiles["exhaust"]["outputs"]["spark"]
    output["server_side_parameters"] |= {
        "spark.driver.memory": MEMORY,
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": (
            f"jdbc:derby:;databaseName={folder / 'metastore'};create=true"
        ),
        "spark.eventLog.enabled": "true",
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": str(folder / "events"),
    }
    (folder / "profiles").mkdir(parents=True)
    (folder / "profiles" / "profiles.yml").write_text(yaml.safe_dump(profiles))
    return clean_environment() | {
        "EXHAUST_TARGET": "spark",
        "EXHAUST_PROJECT_DIR": str(PROJECT),
        "EXHAUST_PROFILES_DIR": str(folder / "profiles"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }


def _run(folder: Path, environment: Mapping[str, str], command: list[str]) -> Stage:
    events = folder / "events"
    shutil.rmtree(events, ignore_errors=True)
    events.mkdir()
    cost = run([str(BIN / "exhaust"), *command], environment, folder)
    metrics = list(_task_metrics(events))
    return Stage(
        wall=cost.wall,
        written=sum(task["Output Metrics"]["Bytes Written"] for task in metrics),
        shuffled=sum(task["Shuffle Write Metrics"]["Shuffle Bytes Written"] for task in metrics),
        spilled=sum(task["Disk Bytes Spilled"] for task in metrics),
    )


def _task_metrics(events: Path) -> Iterator[dict[str, Any]]:
    """Yields the metrics of all tasks in the event logs of a folder."""
    for log in events.rglob("*"):
        if log.is_file():
            with log.open() as lines:
                for line in lines:
                    if '"SparkListenerTaskEnd"' in line:
                        yield json.loads(line)["Task Metrics"]


def table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns the figures as Markdown."""
    lines = [
        "| enrolments | stage | wall s | MB written | MB shuffled | MB spilled |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for name, stages in figures.items():
        for stage, cost in stages.items():
            if stage != "extract":
                sizes = (cost[key] / 1e6 for key in ("written", "shuffled", "spilled"))
                lines.append(
                    f"| {name} | {stage} | {cost['wall']:.1f} | "
                    f"{' | '.join(f'{megabytes:,.0f}' for megabytes in sizes)} |"
                )
    return "\n".join(lines)


def main(
    small: Annotated[bool, typer.Option(help="Measure a five-hundredth of everything.")] = False,
    output: Annotated[Path, typer.Option(help="Where to write the figures.")] = PROJECT
    / "bench"
    / "scaling.json",
    folder: Annotated[
        Path | None, typer.Option(help="Working folder; needs 20 GB. [default: /tmp]")
    ] = None,
) -> None:
    """Measure Spark: a quarter of an hour on two cores, or some minutes with --small."""
    with tempfile.TemporaryDirectory(prefix="exhaust-scaling-", dir=folder) as name:
        figures = measure(Path(name), 500 if small else 1)
    output.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=2) + "\n")
    if not small:
        page = PROJECT / "docs" / "scaling.md"
        before, _, rest = page.read_text().partition(BEGIN)
        _, _, after = rest.partition(END)
        page.write_text(f"{before}{BEGIN}\n\n{table(figures)}\n\n{END}{after}")


if __name__ == "__main__":
    typer.run(main)
