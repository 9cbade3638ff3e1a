"""The operating systems that exhaust runs on."""

import sys

from exhaust.errors import UsageError


def check_system() -> None:
    """Raises UsageError on Windows, which has no file locks, signals and pipes as used here."""
    if sys.platform == "win32":
        raise UsageError(
            "exhaust does not run on Windows.",
            "Use the Windows Subsystem for Linux (WSL), or a Linux server.",
        )
