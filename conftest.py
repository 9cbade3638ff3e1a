"""Adds the option `--engine`; pytest reads options only here. The fixtures are in runner/tests."""

import pytest

ENGINES = ("duckdb", "postgres", "spark")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        action="append",
        choices=ENGINES,
        help="an engine to test; repeat for several (default: all)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.option.engine = config.option.engine or list(ENGINES)
