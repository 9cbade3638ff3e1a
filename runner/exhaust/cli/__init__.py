"""The command `exhaust`: it parses arguments, calls `exhaust.api` and reports the result."""

import sys

from exhaust.errors import UsageError
from exhaust.system import check_system


def main() -> None:
    """Runs the command."""
    try:
        check_system()
    except UsageError as error:
        print(f"error: {error.message}\nhint: {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)
    from exhaust.cli.stopping import stopped_by_signals

    with stopped_by_signals():
        from exhaust.cli.app import main

        main()
