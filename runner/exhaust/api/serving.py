"""What a server needs beyond the functions of the command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from exhaust.api.opening import ledger, marts
from exhaust.console import SILENCE
from exhaust.repeating import repeating
from exhaust.requests.entities import ALL_FILES as ALL_FILES

if TYPE_CHECKING:
    from exhaust.marts.kept_open import KeptOpen
    from exhaust.marts.records import Build
    from exhaust.project.settings import Settings
    from exhaust.requests.delivery import Delivery, ReportFile
    from exhaust.requests.downloads import Download
    from exhaust.requests.entities import Request

COPY_SECONDS = 0.5
"""How often the server looks whether its copy of a DuckDB file is outdated."""


@contextmanager
def keep_open(project: "Settings") -> "Iterator[KeptOpen]":
    """Keeps the warehouse of a project open while the block runs, for a server with many readers.

    Gives settings for the other functions; threads may call them at once. The warehouse is given up
    as soon as a load or a build of `exhaust` wants it, and while nobody reads. While that has a
    DuckDB file, `courses`, `batches` and `submit` go by a copy of what was built before; what needs
    more raises Busy. What a user may not have raises NotFound, as what does not exist does.
    """
    from functools import partial

    from exhaust.marts.kept_open import KeptOpen
    from exhaust.pipeline.lease import builder_of_file
    from exhaust.warehouse.pool import Pool

    with Pool(project.profile, partial(builder_of_file, project)) as pool:
        kept = KeptOpen.of(project, pool)
        with kept.resources, repeating(partial(_copy_again, kept), COPY_SECONDS, "copy"):
            yield kept


def report_files(
    project: "Settings", request_id: str, *, user_id: str | None = None
) -> "list[ReportFile]":
    """Returns the files of a processed request, each report followed by its receipt.

    Raises as `deliver` does.
    """
    from exhaust.requests.delivery import files

    with ledger(project, user_id, writing=False) as opened:
        return files(project, opened, request_id, user_id)


def deliver(
    project: "Settings",
    request_id: str,
    name: str | None = None,
    *,
    user_id: str | None = None,
    by_link: bool = False,
) -> "Delivery":
    """Gives out a file of a processed request by its name, or an archive of all of them.

    Writes down in the ledger who took it, and whether by a session or by a link. Raises NotFound
    if there are no files, or none of that name, Busy while the request is being processed,
    PermissionDenied if the user has lost the right to them.
    """
    from exhaust.requests.delivery import deliver
    from exhaust.requests.downloads import Way

    with ledger(project, user_id) as opened:
        way = Way.LINK if by_link else Way.SESSION
        return deliver(project, opened, request_id, user_id, name, way)


def linked_file(project: "Settings", request: "Request") -> str | None:
    """Returns the name of the file that one address of a request leads to.

    It is ALL_FILES for an archive, and None if there is nothing to take, or no longer.
    """
    from exhaust.requests.delivery import linked_file

    return linked_file(project, request)


def downloads(project: "Settings", *, limit: int = 100) -> "list[Download]":
    """Returns who took which files lately, newest first."""
    with ledger(project, None, writing=False) as opened:
        return opened.downloads(limit)


def newest_build(project: "Settings") -> "Build":
    """Returns the build that the marts come from. Raises DataError if there is none, Busy."""
    with marts(project, None, SILENCE) as opened, opened.state() as build:
        return build


def _copy_again(kept: "KeptOpen") -> bool:
    from exhaust.marts.state import copy_marts

    copy_marts(kept)
    return True


def renewal(project: "KeptOpen") -> str | None:
    """Says who loads or builds right now; None if nobody keeps readers from the warehouse."""
    busy = project.pool.builder()
    return busy.message if busy else None
