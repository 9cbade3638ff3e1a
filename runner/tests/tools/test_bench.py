"""The benchmark at a five-hundredth of its size, to keep it working."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from bench import report, scaling
from bench.generate import generate
from bench.run import BIG, LIGHT, MANY, machine, measure, new_bench, smaller
from bench.shape import Shape, batch_id


def counted(folder: Path, table: str, what: str = "count(*)") -> int:
    file = folder / f"{table}.csv"
    relation = f"read_csv('{file}', all_varchar = true, header = true, escape = '\\')"
    (row,) = duckdb.execute(f"select {what} from {relation}").fetchall()
    return int(row[0])


@pytest.fixture(scope="module")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench") / "extract"
    shape = Shape(1_000, users=700, courses=3, batches=5, skew=1.0, contents=8, assessments=2)
    generate(shape, folder)
    return folder


def test_an_extract_has_the_requested_shape(extract: Path) -> None:
    assert counted(extract, "user_enrolments") == 1_000
    assert (
        counted(extract, "user_enrolments", "count(distinct (userid, courseid, batchid))") == 1_000
    )
    assert counted(extract, "user_enrolments", "count(distinct userid)") <= 700
    assert counted(extract, "user") == 700
    assert counted(extract, "course_batch") == 5
    assert counted(extract, "content_hierarchy") == 3
    assert counted(extract, "assessment_aggregator") == 7_000
    assert counted(extract, "assessment_aggregator", "count(distinct (course_id, content_id))") == 6


def test_batches_have_the_requested_skew(extract: Path) -> None:
    sizes = Shape(1_000, batches=5, skew=1.0).batch_sizes()

    assert sum(sizes) == 1_000
    assert sizes[0] == pytest.approx(5 * sizes[4], rel=0.05)
    file = extract / "user_enrolments.csv"
    found = duckdb.execute(
        "select batchid, count(*) from "
        f"read_csv('{file}', all_varchar = true, header = true, escape = '\\') group by batchid"
    ).fetchall()
    # By ID, because a later batch can have a lower ID.
    assert dict(found) == {batch_id(n): size for n, size in enumerate(sizes)}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    def written(name: str, seed: int) -> dict[str, bytes]:
        generate(Shape(300, batches=3, courses=2, schools=10, seed=seed), tmp_path / name)
        return {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()}

    first = written("first", 1)

    assert written("again", 1) == first
    assert written("other", 2)["user_enrolments.csv"] != first["user_enrolments.csv"]


def test_a_smaller_workload_is_a_fraction() -> None:
    assert smaller(BIG, 500).enrolments == 2_000
    assert smaller(MANY, 500).batches == 2


@pytest.mark.usefixtures("settings_postgres")
@pytest.mark.spark
@pytest.mark.skipif(shutil.which("java") is None, reason="the peer PySpark needs Java 17")
def test_the_benchmark_runs(tmp_path: Path) -> None:
    """The benchmark fails by itself if the floor or a peer makes a report that differs."""
    with new_bench(tmp_path) as bench:
        measure(bench, 500)
        figures = json.loads(json.dumps(bench.figures))

    assert all(cost["wall"] > 0 for stages in figures.values() for cost in stages.values())
    stages = {
        "load",
        "dbt parse",
        "build (models)",
        "build (tests)",
        "export",
        "floor of load",
        "floor of build",
        "floor of export",
    }
    assert set(figures["one big batch, postgres"]) == stages
    assert set(figures["one big batch, duckdb"]) == stages | {"load of cqlsh's CSV"}
    table = report.tables({"machine": {"cores": 2}, "figures": figures})
    assert table.count("| at ") == len(report.bars(figures))


@pytest.mark.usefixtures("settings_spark")
def test_spark_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "SIZES", {"1 M": LIGHT})

    figures = scaling.measure(tmp_path, 1_000)

    assert list(figures["1 M"]) == [
        "load",
        "build (models)",
        "build",
        "export of a course",
        "extract",
    ]
    load, build, _, export, _ = figures["1 M"].values()
    assert load["wall"] > 0
    assert load["written"] > 0
    assert build["written"] > 0
    assert build["shuffled"] > 0
    assert export["written"] == 0
    assert scaling.table(figures).count("| 1 M |") == 4


def test_the_figures_say_what_they_were_measured_with() -> None:
    assert {"cores", "sunbird-exhaust", "duckdb"} <= machine().keys()
