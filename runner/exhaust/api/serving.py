"""What a server needs beyond the functions of the command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exhaust.marts.kept_open import KeptOpen
    from exhaust.project.settings import Settings


@contextmanager
def keep_open(project: "Settings") -> "Iterator[KeptOpen]":
    """Keeps the warehouse of a project open while the block runs, for a server with many readers.

    Gives settings for the other functions; threads may call them at once. The warehouse is given up
    as soon as a load or a build of `exhaust` wants it, and while nobody reads.
    """
    from functools import partial

    from exhaust.marts.kept_open import KeptOpen
    from exhaust.pipeline.lease import builder_of_file
    from exhaust.warehouse.pool import Pool

    with Pool(project.profile, partial(builder_of_file, project)) as pool:
        kept = KeptOpen.of(project, pool)
        with kept.resources:
            yield kept


def renewal(project: "KeptOpen") -> str | None:
    """Says who loads or builds right now; None if nobody keeps readers from the warehouse."""
    busy = project.pool.builder()
    return busy.message if busy else None
