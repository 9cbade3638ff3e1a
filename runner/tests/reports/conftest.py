"""Fixtures for the tests of `verify`."""

from pathlib import Path

import pytest
from key_pair import KeyPair
from verify_support import ROWS, Changes, report, write_report

from exhaust.reports.verify import verify


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Writes a report with its receipt."""
    file = tmp_path / "report.csv"
    write_report(file, ROWS)
    return file


@pytest.fixture
def changes(file: Path) -> Changes:
    """Returns a function that replaces texts of the file and returns the changes found."""

    def changes(*replaced: tuple[str, str], encoding: str = "utf-8") -> list[str]:
        text = report(ROWS)
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new)
        file.write_bytes(text.encode(encoding))
        found = verify(file)
        assert not found.is_unchanged
        return found.changes

    return changes


@pytest.fixture(scope="session")
def keys() -> KeyPair:
    return KeyPair()
