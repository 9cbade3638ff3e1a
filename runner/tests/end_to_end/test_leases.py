"""Plain dbt and the commands exclude each other on Postgres, with the real dbt."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from dbt_support import dbt, query
from support import PROJECT, ManualClock, load_extract, relation, wait_until

from exhaust import api
from exhaust.errors import Busy
from exhaust.pipeline.lease import TABLE, holding_target
from exhaust.project.settings import Settings
from exhaust.warehouse import connect

pytestmark = pytest.mark.not_on_spark

SEEDS = PROJECT / "seeds"


def leases(settings: Settings) -> list[tuple[Any, ...]]:
    """Returns the holder of the target and the minutes that are left to them."""
    with connect(settings.profile, writing=False) as warehouse:
        if TABLE not in warehouse.tables(settings.profile.schema):
            return []
        table = relation(settings.profile.schema, TABLE)
        return warehouse.query(
            "select holder, extract(epoch from lease_until - clock_timestamp() at time zone 'UTC') "
            f"/ 60 from {table}"
        )


@contextmanager
def locked(settings: Settings, table: str) -> Iterator[None]:
    """Lets others wait for a raw table."""
    with connect(settings.profile, writing=True) as warehouse, warehouse.transaction():
        landed = relation(settings.landing_schema, table)
        warehouse.execute(f"lock table {landed} in access exclusive mode")
        yield


def test_plain_dbt_ends_at_once_and_says_who_holds_the_target(
    settings_postgres: Settings, tmp_path: Path
) -> None:
    """It must not wait: it has already read which tables exist."""
    with holding_target(settings_postgres, "build"):
        done = dbt(settings_postgres, tmp_path, "run", "--select", "stg_users")

    assert done.returncode == 2
    shown = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    held = (
        r"This target is held by `exhaust build` of \S+@\S+, process \d+, since .* UTC\. "
        r"Try again when it has ended; if it was killed, after .* UTC\."
    )
    assert re.search(held, shown), shown
    assert "Traceback" not in shown + done.stderr


def test_a_load_is_busy_while_plain_dbt_runs(settings_postgres: Settings, tmp_path: Path) -> None:
    load_extract(settings_postgres, SEEDS)
    codes = []

    def run() -> None:
        codes.append(dbt(settings_postgres, tmp_path, "run", "--select", "stg_users").returncode)

    running = Thread(target=run)
    with locked(settings_postgres, "user"):
        running.start()
        wait_until(lambda: leases(settings_postgres) != [])
        with pytest.raises(Busy, match="held by `dbt run` of the role postgres, since"):
            holding_target(settings_postgres, "load", clock=ManualClock()).__enter__()
        ((_, minutes),) = leases(settings_postgres)
        assert 14 < minutes < 15
    running.join()

    assert codes == [0]
    assert leases(settings_postgres) == []
    api.load(settings_postgres, SEEDS)


def test_plain_dbt_that_fails_gives_the_target_back(
    settings_postgres: Settings, tmp_path: Path
) -> None:
    load_extract(settings_postgres, SEEDS)
    with connect(settings_postgres.profile, writing=True) as warehouse:
        landed = relation(settings_postgres.landing_schema, "user")
        warehouse.execute(f"alter table {landed} rename column userid to another")

    assert dbt(settings_postgres, tmp_path, "run", "--select", "stg_users").returncode == 1

    assert leases(settings_postgres) == []
    builds = relation(settings_postgres.profile.schema, "builds")
    assert query(settings_postgres, f"select status from {builds}") == [("failed",)]


def test_plain_dbt_refuses_what_was_loaded_after_it_had_started(
    settings: Settings, tmp_path: Path
) -> None:
    """Its record would name the earlier loads."""
    load_extract(settings, SEEDS)
    with connect(settings.profile, writing=True) as warehouse:
        loads = relation(settings.landing_schema, "loads")
        warehouse.execute(f"update {loads} set loaded_at = loaded_at + interval '1 hour'")

    done = dbt(settings, tmp_path, "run", "--select", "stg_users")

    assert done.returncode == 2
    shown = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert re.search(r"Data was loaded at .* UTC, after dbt had started at .* UTC\. Run", shown)
    with connect(settings.profile, writing=False) as warehouse:
        assert "builds" not in warehouse.tables(settings.profile.schema)
    with holding_target(settings, "load", clock=ManualClock()):
        pass


def test_a_build_whose_lease_was_taken_over_is_not_whole(
    settings_postgres: Settings, tmp_path: Path
) -> None:
    """A load may have replaced raw tables while it was reading them."""
    load_extract(settings_postgres, SEEDS)
    with (
        building_users(settings_postgres, tmp_path),
        connect(settings_postgres.profile, writing=True) as warehouse,
    ):
        lease = relation(settings_postgres.profile.schema, TABLE)
        warehouse.execute(f"update {lease} set token = 'another'")

    assert recorded(settings_postgres) == [
        ("partial", "another load or build began before it ended")
    ]


def test_a_build_during_which_another_target_loaded_is_not_whole(
    settings_postgres: Settings, tmp_path: Path
) -> None:
    """Two targets may build from one landing schema; each has a lease of its own."""
    load_extract(settings_postgres, SEEDS)
    with building_users(settings_postgres, tmp_path):
        other = replace(settings_postgres.profile, schema=settings_postgres.profile.schema + "_2")
        owner = replace(settings_postgres, profile=other)
        with connect(settings_postgres.profile, writing=True) as warehouse:
            loads = relation(settings_postgres.landing_schema, "loads")
            warehouse.execute(f"update {loads} set owner = '{other.schema}'")
        api.load(owner, tables_of(tmp_path / "extract", "course_batch"))

    assert recorded(settings_postgres) == [("partial", "data was loaded while it ran")]


@contextmanager
def building_users(settings: Settings, folder: Path) -> Iterator[None]:
    """Runs plain dbt, which holds the target and waits for a raw table until the block ends."""
    running = Thread(target=dbt, args=[settings, folder, "run", "--select", "stg_users"])
    with locked(settings, "user"):
        running.start()
        wait_until(lambda: leases(settings) != [])
        yield
    running.join()


def recorded(settings: Settings) -> list[tuple[Any, ...]]:
    """Returns the status of each build, and what was missing."""
    builds = relation(settings.profile.schema, "builds")
    return query(settings, f"select status, missing from {builds}")


def tables_of(folder: Path, *names: str) -> Path:
    """Returns a new extract with only some tables of the sample."""
    folder.mkdir()
    for name in names:
        shutil.copy(SEEDS / f"{name}.csv", folder)
    return folder
