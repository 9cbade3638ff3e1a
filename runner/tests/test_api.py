"""What all functions have in common that read the marts."""

from collections.abc import Callable
from pathlib import Path

import pytest
from handmade_marts import CREATOR, MATHS, add_build, create_marts

from exhaust import api
from exhaust.errors import DataError
from exhaust.project.settings import Settings
from exhaust.warehouse import connect

pytestmark = pytest.mark.not_on_spark

READERS: dict[str, Callable[[Settings, Path], object]] = {
    "courses": lambda project, _: api.courses(project),
    "batches": lambda project, _: api.batches(project, MATHS),
    "export": lambda project, folder: api.export(project, [MATHS], output_dir=folder),
    "export of a requester": lambda project, folder: api.export(
        project, [MATHS], output_dir=folder, user_id=CREATOR
    ),
    "submit": lambda project, _: api.submit(project, MATHS, user_id=CREATOR),
}


@pytest.fixture
def project(settings: Settings) -> Settings:
    with connect(settings.profile, writing=True) as warehouse:
        create_marts(warehouse, settings)
    return settings


@pytest.mark.parametrize("name", READERS)
def test_whatever_reads_the_marts_needs_a_whole_build(
    project: Settings, tmp_path: Path, name: str
) -> None:
    assert READERS[name](project, tmp_path)
    with connect(project.profile, writing=True) as warehouse:
        add_build(warehouse, project, "partial", "2026-11-02 11:00", marts=["courses"])
    with pytest.raises(DataError, match="The marts come from 2 builds"):
        READERS[name](project, tmp_path)
