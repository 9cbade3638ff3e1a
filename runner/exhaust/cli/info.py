"""The command that says where everything is, and how old."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from exhaust import api
from exhaust.cli.command import Options, command
from exhaust.text import counted, local_minute, visible

if TYPE_CHECKING:
    from exhaust.info import Info


@command
def info(options: Options) -> None:
    """Show where everything of a target is, and how old it is.

    Changes nothing. Says why nothing can be exported, if that is so.

    \b
    Example:
      exhaust info --target postgres
    """
    found = api.info(options.project(), console=options.display)
    options.answer.give_all(found)
    if not options.json:
        first, *others = _lines(found)
        options.display.table(first, others)


def _lines(found: "Info") -> Iterator[tuple[str, str]]:
    def minute(moment: datetime | None) -> str:
        return local_minute(moment, found.report_timezone) if moment else "not known"

    yield "Target", f"{found.target}, from {found.profile}"
    yield "Project", found.project_dir
    if found.package_dir != found.project_dir:
        yield "Models", found.package_dir
    yield "Engine", f"{found.engine} {found.engine_version or ''}".strip()
    yield "Warehouse", found.warehouse
    yield "Time zone", _time_zone(found)
    rows = sum(one.rows for one in found.loads)
    tables = f"{counted(rows, 'row')} in {counted(len(found.loads), 'table')}"
    was_loaded = found.build and found.build.loaded_at
    none = "none that this role can see" if was_loaded else "none loaded"
    yield "Raw tables", f"schema {found.landing_schema}: {tables if found.loads else none}"
    if found.loads:
        times = [minute(one.loaded_at) for one in found.loads]
        yield "Loaded", " to ".join(dict.fromkeys([min(times), max(times)]))
        yield "Newest activity", minute(found.newest_activity_at)
    yield "Marts", f"schema {', '.join(found.mart_schemas)}"
    if found.build:
        version = found.build.exhaust_version
        yield "Built", f"{minute(found.build.started_at)}, by exhaust {version}"
    else:
        yield "Built", f"nothing can be exported: {visible(found.problem)}"
    for build in found.builds:
        missing = f": {build.missing}" if build.missing else ""
        yield f"dbt {build.command}", f"{minute(build.started_at)} {build.status}{missing}"
    yield "Ledger", found.ledger
    yield "Requests", _requests(found)
    for worker in found.workers or ():
        yield "Worker", f"{visible(worker.name)}, last seen {minute(worker.last_seen_at)}"
    yield "Results", found.results_dir


def _time_zone(found: "Info") -> str:
    built = found.build.report_timezone if found.build else found.report_timezone
    if built == found.report_timezone:
        return built
    return f"{found.report_timezone}; the days of the marts are of {built}"


def _requests(found: "Info") -> str:
    if found.requests is None:
        return "not visible to this role"
    counts = [f"{number:,} {state}" for state, number in found.requests.items()]
    return ", ".join(counts) + ("" if found.workers else "; no worker has been seen")
