"""Plain dbt on Spark, on the sample extract."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import NO_MESSAGES, PROJECT, Spark, load_extract

from exhaust.project.settings import Settings
from exhaust.project.sources import read_sources
from exhaust.warehouse import Warehouse, connect


@pytest.fixture
def loaded(settings_spark: Settings, spark: Spark) -> Iterator[Settings]:
    load_extract(settings_spark, PROJECT / "seeds")
    spark.release()
    yield settings_spark
    spark.hold(settings_spark)


def dbt(settings: Settings, folder: Path, *arguments: str) -> dict[str, str]:
    """Returns the status of each model, test or seed by its ID."""
    subprocess.run(
        [
            *(str(Path(sys.executable).with_name("dbt")), *arguments),
            *("--profiles-dir", str(settings.profiles_file.parent)),
            *("--target-path", str(folder / "target")),
            *("--log-path", str(folder / "logs")),
        ],
        cwd=PROJECT,
        env=dict(settings.environment),
        capture_output=True,
        check=False,
    )
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    return {result["unique_id"]: result["status"] for result in results}


def test_all_models_and_tests_succeed(loaded: Settings, tmp_path: Path) -> None:
    variables = f"landing_schema: {loaded.landing_schema}"
    found = dbt(loaded, tmp_path, "build", "--vars", variables)

    assert {node: status for node, status in found.items() if status in ("error", "fail")} == {}
    kinds = Counter(node.partition(".")[0] for node in found)
    assert kinds["unit_test"] >= 83
    assert kinds["test"] >= 76
    assert "skipped" not in found.values()

    with connect(loaded.profile, writing=False, console=NO_MESSAGES) as warehouse:
        progress = warehouse.relation(loaded.profile.schema, "course_progress")
        select = f"select * from {progress} where course_id = 'do_31300000000000000001'"
        ((plan,),) = warehouse.query(f"explain {select}")
        added = add_rows_at_once(warehouse, loaded.profile.schema)
    # An export reads only the files of its course.
    assert re.search(r"PartitionFilters: \[[^]]*course_id[^]]*do_31300000000000000001", plan)

    # Threads of dbt record their marts at the same time.
    assert added == list(range(24))


def add_rows_at_once(warehouse: Warehouse, schema: str) -> list[int]:
    """Adds rows to a table like `built_marts` in six threads; returns the numbers in them."""
    like, copy = (warehouse.relation(schema, name) for name in ("built_marts", "like_built_marts"))
    warehouse.execute(f"create table {copy} like {like}")

    def add(number: int) -> None:
        columns = f"'{number}', {', '.join(['null'] * 6)}"
        warehouse.execute(f"insert into {copy} select {columns}")

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(add, range(24)))
    rows = warehouse.query(f"select cast(invocation_id as int) as number from {copy} order by 1")
    return [number for (number,) in rows]


def test_the_sample_can_be_loaded_as_seeds(loaded: Settings, tmp_path: Path) -> None:
    """The sample has values with apostrophes, quotes and backslashes."""
    found = dbt(loaded, tmp_path, "seed", "--vars", "sample: true")

    assert set(found.values()) == {"success"}
    with connect(loaded.profile, writing=False, console=NO_MESSAGES) as warehouse:
        for table in read_sources(PROJECT):
            columns = ", ".join(f"coalesce({name}, '')" for name in table.columns)
            landed, seeds = (
                warehouse.query(f"select {columns} from {warehouse.relation(*where)}")
                for where in (
                    (loaded.landing_schema, table.name),
                    (f"{loaded.profile.schema}_sample", table.name),
                )
            )
            assert sorted(seeds) == sorted(landed), table.name
