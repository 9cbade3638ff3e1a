"""The tests' option `--engine`, known from the project's folder; all else is in runner/tests."""

import pytest

ENGINES = ("duckdb", "postgres", "spark")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        action="append",
        choices=ENGINES,
        help="an engine to test (may be given again; default: all)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.option.engine = config.option.engine or list(ENGINES)
