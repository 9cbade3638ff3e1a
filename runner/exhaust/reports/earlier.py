"""The earlier report that `--since` names."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Earlier:
    """An earlier report, of any format."""

    files: Sequence[Path]
    """More than one if it was of several batches, or split."""
    request_id: str | None = None
    password: str | None = field(default=None, repr=False)
