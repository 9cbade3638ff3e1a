"""Writes the tables of bench/README.md from the figures of a run: `python -m bench.report`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
BEGIN, END = "<!-- results -->", "<!-- /results -->"

Figures = Mapping[str, Mapping[str, Mapping[str, Any]]]


def bars(figures: Figures) -> list[tuple[str, str, float]]:
    """Returns what is compared, its limit, and the measured ratio."""

    def wall(workload: str, stage: str) -> float:
        return float(figures[workload][stage]["wall"])

    def ratio(workload: str, stage: str, other: str) -> float:
        return wall(workload, stage) / wall(workload, other)

    duckdb, postgres = "one big batch, duckdb", "one big batch, postgres"
    tenth = "a tenth of the big batch, "
    small, larger = "small in large, duckdb", "small in five times as large, duckdb"
    spark = figures["one big batch, peers"]["PySpark"]
    whole = sum(wall(duckdb, stage) for stage in ("load", "build (models)", "export"))
    memory, of_tenth = (
        float(figures[workload]["export"]["peak_mb"]) for workload in (postgres, tenth + "postgres")
    )
    return [
        ("DuckDB: export ÷ floor", "at most 1.3", ratio(duckdb, "export", "floor of export")),
        ("Postgres: export ÷ floor", "at most 2", ratio(postgres, "export", "floor of export")),
        ("Postgres: memory of an export, 1 M ÷ 100 k rows", "at most 1.1", memory / of_tenth),
        ("DuckDB: load ÷ floor", "at most 1.3", ratio(duckdb, "load", "floor of load")),
        (
            "DuckDB: load of cqlsh's CSV ÷ load of dsbulk's",
            "at most 1.5",
            ratio(duckdb, "load of cqlsh's CSV", "load"),
        ),
        ("Postgres: load ÷ floor", "at most 1.5", ratio(postgres, "load", "floor of load")),
        (
            "DuckDB: build (models) ÷ floor",
            "at most 1.7",
            ratio(duckdb, "build (models)", "floor of build"),
        ),
        (
            "Postgres: build (models) ÷ floor",
            "at most 1.7",
            ratio(postgres, "build (models)", "floor of build"),
        ),
        ("PySpark ÷ load + build + export on DuckDB", "at least 3", float(spark["wall"]) / whole),
        (
            "PySpark's batch ÷ a further export on DuckDB",
            "at least 50",
            float(spark["phases"]["per_batch"][0]) / wall(duckdb, "export"),
        ),
        (
            "DuckDB: `export --all` of many batches ÷ export of the big batch",
            "at most 3",
            wall("many batches, duckdb", "export") / wall(duckdb, "export"),
        ),
        (
            "Postgres: `export --all` of many batches ÷ export of the big batch",
            "at most 3",
            wall("many batches, postgres", "export") / wall(postgres, "export"),
        ),
        (
            "DuckDB: export of a small batch, from 5 M ÷ from 1 M",
            "at most 1.2",
            wall(larger, "export") / wall(small, "export"),
        ),
        (
            "DuckDB: export of a small batch ÷ `dbt show`",
            "at most 0.25",
            ratio(small, "export", "dbt show"),
        ),
        (
            "`exhaust --help` ÷ `dbt show`",
            "at most 0.083",
            ratio(small, "exhaust --help", "dbt show"),
        ),
        (
            "DuckDB: build (models) of 1 M ÷ of 100 k enrolments",
            "at most 11",
            wall(duckdb, "build (models)") / wall(tenth + "duckdb", "build (models)"),
        ),
        (
            "Postgres: build (models) of 1 M ÷ of 100 k enrolments",
            "at most 11",
            wall(postgres, "build (models)") / wall(tenth + "postgres", "build (models)"),
        ),
    ]


def tables(results: Mapping[str, Any]) -> str:
    """Returns the results as Markdown: the machine, the ratios and the costs."""
    lines = ["| measured with | |", "| --- | --- |"]
    for name, value in results["machine"].items():
        lines.append(f"| {name.replace('_gb', ' in GB')} | {value} |")
    lines += ["", "| ratio | bar | measured |", "| --- | --- | ---: |"]
    for what, bar, measured in bars(results["figures"]):
        lines.append(f"| {what} | {bar} | {measured:.2f} |")
    lines += ["", "| workload | stage | wall s | processor s | peak MB | MB in | MB out |"]
    lines.append("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for workload, stages in results["figures"].items():
        for stage, cost in stages.items():
            lines.append(
                f"| {workload} | {stage} | {cost['wall']:.2f} | {cost['cpu']:.1f} "
                f"| {cost['peak_mb']:,.0f} | {_megabytes(cost['bytes_in'])} "
                f"| {_megabytes(cost['bytes_out'])} |"
            )
    return "\n".join(lines)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}" if size else ""


def main() -> None:
    readme = FOLDER / "README.md"
    results = json.loads((FOLDER / "results.json").read_text())
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n\n{tables(results)}\n\n{END}{after}")


if __name__ == "__main__":
    main()
