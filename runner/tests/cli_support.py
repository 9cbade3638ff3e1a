"""Helpers for the tests of the commands."""

import pytest
from support import PROJECT

from exhaust.cli import app

SAMPLE = PROJECT / "seeds"
COURSE = "do_31300000000000000001"
BATCH = "0130300000000000103"
RETIRED = "do_31300000000000000004"
MENTOR = "911ce132-8344-52ec-b886-dd566ca43537"
TRACEBACK = "Traceback"


def call(*arguments: str) -> int:
    """Runs a command in this process and returns its exit code; unexpected errors are raised."""
    with pytest.raises(SystemExit) as ended:
        app.app(list(arguments), prog_name="exhaust")
    return int(ended.value.code or 0)
