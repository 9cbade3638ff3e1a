"""The command `exhaust`: it parses arguments, calls `exhaust.api` and reports the result."""

from exhaust.cli.app import main

__all__ = ["main"]
