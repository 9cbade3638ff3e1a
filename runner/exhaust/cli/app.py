"""The entry point. The imports register the commands, in the order in which `--help` lists them."""

import io
import signal
import sys
from typing import NoReturn

from exhaust.cli import pipeline as pipeline  # isort: skip
from exhaust.cli import catalogue as catalogue  # isort: skip
from exhaust.cli import reports as reports  # isort: skip
from exhaust.cli import requests as requests  # isort: skip
from exhaust.cli.command import app


def main() -> None:
    """Runs the command."""
    signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show Tamil still shows the other names.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
