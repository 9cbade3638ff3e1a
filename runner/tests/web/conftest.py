"""Fixtures of the tests of the portal's API."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from portal_support import Caller, Realm, calling, create_portal_marts

from exhaust.project.settings import Settings


@pytest.fixture(scope="session")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Realm:
    return Realm(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def portal_project(settings: Settings, tmp_path: Path) -> Settings:
    create_portal_marts(settings)
    return replace(settings, results_dir=tmp_path / "results", shared_results_dir=None)


@pytest.fixture
def caller(portal_project: Settings, realm: Realm) -> Iterator[Caller]:
    with calling(portal_project, realm) as opened:
        yield opened
