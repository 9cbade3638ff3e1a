"""All tests here need Chromium."""

from collections.abc import Iterator

import pytest
from browser_support import Stage, built_stage
from playwright.sync_api import expect

from exhaust import api

expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of this folder."""
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with built_stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture(autouse=True)
def _nothing_is_left_under_way(stage: Stage) -> Iterator[None]:
    yield
    for request in api.requests(stage.settings):
        if request.is_under_way:
            api.cancel(stage.settings, request.request_id)
