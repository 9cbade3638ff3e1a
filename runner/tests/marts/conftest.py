"""Fixtures for the tests of the code that reads marts."""

import pytest
from handmade_marts import create_marts

from exhaust.marts.state import Marts
from exhaust.project.settings import Settings
from exhaust.warehouse import Warehouse


@pytest.fixture
def marts(warehouse: Warehouse, settings: Settings) -> Marts:
    create_marts(warehouse, settings)
    return Marts(warehouse, settings)
