"""A plugin of pytest that adds the option `--engine`.

The conftest.py of the tests would be too late: pytest loads it only if its folder is an argument.
"""

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
