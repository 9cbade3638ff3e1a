"""Fixtures for the tests of requests.

The ledger is that of the engine under test: SQLite next to DuckDB, or Postgres.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from handmade_marts import CREATOR, MENTOR, create_marts
from ledger_support import Submit, claim_of, new_request
from postgres_roles import granted
from support import ManualClock

from exhaust.project.settings import Settings
from exhaust.requests.entities import Claim
from exhaust.requests.ledger import Ledger
from exhaust.warehouse import connect


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ledger(settings: Settings, clock: ManualClock) -> Iterator[Ledger]:
    with Ledger.open(settings.profile, clock) as opened:
        yield opened


@pytest.fixture
def submit(ledger: Ledger) -> Submit:
    return lambda worker=None, **changes: ledger.submit(new_request(**changes), worker)


@pytest.fixture
def claimed(ledger: Ledger, submit: Submit) -> Claim:
    submit()
    return claim_of(ledger)


def on_handmade_marts(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Returns settings with marts that no process has open, and an empty folder for results."""
    with connect(settings.profile, writing=True) as warehouse:
        create_marts(warehouse, settings)
    (folder / "here").mkdir()
    monkeypatch.chdir(folder / "here")
    return replace(settings, results_dir=folder / "results")


@pytest.fixture
def project(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The project on handmade marts."""
    project = on_handmade_marts(settings, tmp_path, monkeypatch)
    return replace(project, max_batches_per_request=2)


@pytest.fixture
def owner(settings_postgres: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    return on_handmade_marts(settings_postgres, tmp_path, monkeypatch)


@pytest.fixture
def creator(owner: Settings) -> Iterator[Settings]:
    """The settings of a reader of Postgres, for the creator of the courses."""
    with granted(owner, "reader", CREATOR) as settings:
        yield settings


@pytest.fixture
def mentor(owner: Settings) -> Iterator[Settings]:
    """The settings of a reader of Postgres, for the mentor."""
    with granted(owner, "reader", MENTOR) as settings:
        yield settings


@pytest.fixture
def worker(owner: Settings) -> Iterator[Settings]:
    """The settings of a worker's role on Postgres."""
    with granted(owner, "worker") as settings:
        yield settings
