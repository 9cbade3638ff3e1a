"""Writes the tables of bench/README.md from the figures of a run: `python -m bench.report`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
BEGIN, END = "<!-- results -->", "<!-- /results -->"

DUCKDB, POSTGRES = "one big batch, duckdb", "one big batch, postgres"
TENTH = "a tenth of the big batch, "

Figures = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By workload and stage, what was measured."""

Bar = tuple[str, str, float]
"""What is compared, its limit, and the measured ratio."""


def bars(figures: Figures) -> list[Bar]:
    """Returns the limits of the project with what was measured."""
    return [
        *_bars_of_floors(figures),
        *_bars_of_peers(figures),
        *_bars_of_many_batches(figures),
        *_bars_of_small_batches(figures),
        *_bars_of_growth(figures),
    ]


def _wall(figures: Figures, workload: str, stage: str) -> float:
    return float(figures[workload][stage]["wall"])


def _ratio(figures: Figures, workload: str, stage: str, other: str) -> float:
    return _wall(figures, workload, stage) / _wall(figures, workload, other)


def _bars_of_floors(figures: Figures) -> list[Bar]:
    """Compares each stage with the least that its engine needs for it."""

    def duckdb(stage: str, other: str) -> float:
        return _ratio(figures, DUCKDB, stage, other)

    def postgres(stage: str, other: str) -> float:
        return _ratio(figures, POSTGRES, stage, other)

    memory, of_tenth = (
        float(figures[workload]["export"]["peak_mb"]) for workload in (POSTGRES, TENTH + "postgres")
    )
    build, floor_of_build = "build (models)", "floor of build"
    return [
        ("DuckDB: export ÷ floor", "at most 1.3", duckdb("export", "floor of export")),
        ("Postgres: export ÷ floor", "at most 2", postgres("export", "floor of export")),
        ("Postgres: memory of an export, 1 M ÷ 100 k rows", "at most 1.1", memory / of_tenth),
        ("DuckDB: load ÷ floor", "at most 1.3", duckdb("load", "floor of load")),
        (
            "DuckDB: load of cqlsh's CSV ÷ load of dsbulk's",
            "at most 1.5",
            duckdb("load of cqlsh's CSV", "load"),
        ),
        ("Postgres: load ÷ floor", "at most 1.5", postgres("load", "floor of load")),
        ("DuckDB: build (models) ÷ floor", "at most 1.7", duckdb(build, floor_of_build)),
        ("Postgres: build (models) ÷ floor", "at most 1.7", postgres(build, floor_of_build)),
    ]


def _bars_of_peers(figures: Figures) -> list[Bar]:
    spark = figures["one big batch, peers"]["PySpark"]
    whole = sum(_wall(figures, DUCKDB, stage) for stage in ("load", "build (models)", "export"))
    return [
        ("PySpark ÷ load + build + export on DuckDB", "at least 3", float(spark["wall"]) / whole),
        (
            "PySpark's batch ÷ a further export on DuckDB",
            "at least 50",
            float(spark["phases"]["per_batch"][0]) / _wall(figures, DUCKDB, "export"),
        ),
    ]


def _bars_of_many_batches(figures: Figures) -> list[Bar]:
    return [
        (
            f"{engine}: `export --all` of many batches ÷ export of the big batch",
            "at most 3",
            _wall(figures, f"many batches, {engine.lower()}", "export")
            / _wall(figures, big, "export"),
        )
        for engine, big in (("DuckDB", DUCKDB), ("Postgres", POSTGRES))
    ]


def _bars_of_small_batches(figures: Figures) -> list[Bar]:
    small, larger = "small in large, duckdb", "small in five times as large, duckdb"
    return [
        (
            "DuckDB: export of a small batch, from 5 M ÷ from 1 M",
            "at most 1.2",
            _wall(figures, larger, "export") / _wall(figures, small, "export"),
        ),
        (
            "DuckDB: export of a small batch ÷ `dbt show`",
            "at most 0.25",
            _ratio(figures, small, "export", "dbt show"),
        ),
        (
            "`exhaust --help` ÷ `dbt show`",
            "at most 0.083",
            _ratio(figures, small, "exhaust --help", "dbt show"),
        ),
    ]


def _bars_of_growth(figures: Figures) -> list[Bar]:
    return [
        (
            f"{engine}: build (models) of 1 M ÷ of 100 k enrolments",
            "at most 11",
            _wall(figures, big, "build (models)")
            / _wall(figures, TENTH + engine.lower(), "build (models)"),
        )
        for engine, big in (("DuckDB", DUCKDB), ("Postgres", POSTGRES))
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
