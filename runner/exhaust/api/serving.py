"""What a server needs beyond the functions of the command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from exhaust.repeating import repeating

if TYPE_CHECKING:
    from exhaust.marts.kept_open import KeptOpen
    from exhaust.project.settings import Settings

COPY_SECONDS = 0.5
"""How often the server looks whether its copy of a DuckDB file is outdated."""


@contextmanager
def keep_open(project: "Settings") -> "Iterator[KeptOpen]":
    """Keeps the warehouse of a project open while the block runs, for a server with many readers.

    Gives settings for the other functions; threads may call them at once. The warehouse is given up
    as soon as a load or a build of `exhaust` wants it, and while nobody reads. While that has a
    DuckDB file, `courses`, `batches` and `submit` go by a copy of what was built before; what needs
    more raises Busy.
    """
    from functools import partial

    from exhaust.marts.kept_open import KeptOpen
    from exhaust.pipeline.lease import builder_of_file
    from exhaust.warehouse.pool import Pool

    with Pool(project.profile, partial(builder_of_file, project)) as pool:
        kept = KeptOpen.of(project, pool)
        with kept.resources, repeating(partial(_copy_again, kept), COPY_SECONDS, "copy"):
            yield kept


def _copy_again(kept: "KeptOpen") -> bool:
    from exhaust.marts.state import copy_marts

    copy_marts(kept)
    return True


def renewal(project: "KeptOpen") -> str | None:
    """Says who loads or builds right now; None if nobody keeps readers from the warehouse."""
    busy = project.pool.builder()
    return busy.message if busy else None
