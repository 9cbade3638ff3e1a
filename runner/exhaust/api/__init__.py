"""What exhaust does, as functions: the face for the command, for a page, and for programs.

    from exhaust import api

    project = api.open_project()
    api.load(project, "extracts/2026-11-01")
    api.build(project)
    report = api.export(project, ["do_31296123374084915214"], output_dir="out")

Every function opens what it needs, checks what it is given, and closes everything again. Errors are
those of `exhaust.errors`. A `console` takes messages and progress while a function runs; without
one, there are none. docs/python.md explains more.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from exhaust.api.opening import StrPath
from exhaust.api.opening import destination as _destination
from exhaust.api.opening import earlier as _earlier
from exhaust.api.opening import form_of as _form_of
from exhaust.api.opening import ledger as _ledger
from exhaust.api.opening import marts as _marts
from exhaust.api.serving import deliver as deliver
from exhaust.api.serving import downloads as downloads
from exhaust.api.serving import files as files
from exhaust.api.serving import keep_open as keep_open
from exhaust.api.serving import newest_build as newest_build
from exhaust.api.serving import renewal as renewal
from exhaust.console import SILENCE, SYSTEM_CLOCK, Console
from exhaust.reports.form import ReportForm
from exhaust.system import check_system

if TYPE_CHECKING:
    from exhaust.info import Info
    from exhaust.marts.entities import Batch, Course
    from exhaust.pipeline.build import BuildReport
    from exhaust.pipeline.load import LoadReport
    from exhaust.pipeline.starter import InitReport
    from exhaust.project.settings import Settings
    from exhaust.reports.explanation import Explanation
    from exhaust.reports.export import ExportReport
    from exhaust.reports.verify import Verification
    from exhaust.requests.entities import Request, Worker
    from exhaust.requests.grants import Granted

check_system()

# Imports are inside the functions: DuckDB, SQLAlchemy and PySpark take long to import, and
# `exhaust --help` needs none of them.


def open_project(
    project_dir: StrPath | None = None,
    profiles_dir: StrPath | None = None,
    target: str | None = None,
    *,
    console: Console = SILENCE,
) -> "Settings":
    """Reads the settings of a project; the other functions take them.

    An argument left out comes from the environment (EXHAUST_PROJECT_DIR, EXHAUST_PROFILES_DIR,
    EXHAUST_TARGET), then from where dbt looks. Raises UsageError if a file or a setting is missing
    or wrong, PermissionDenied if the project was not named, and others may change it.
    """
    from exhaust.project.settings import read_settings

    return read_settings(
        Path(project_dir) if project_dir else None,
        Path(profiles_dir) if profiles_dir else None,
        target,
        console=console,
    )


def init(folder: StrPath, *, console: Console = SILENCE) -> "InitReport":
    """Makes a dbt project that uses the installed package, or completes and corrects one.

    Raises UsageError if the folder holds another dbt project or cannot be written.
    """
    from exhaust.pipeline.starter import init

    return init(Path(folder), console)


def open_demo(project_dir: StrPath | None = None, target: str | None = None) -> "Settings":
    """Returns the settings of the demo.

    Its warehouse is demo.duckdb, in the folder of the project or, if there is none, in the current
    folder. Raises UsageError if a project was named and does not exist.
    """
    from exhaust.pipeline.demo import demo_settings

    return demo_settings(Path(project_dir) if project_dir else None, target)


def load(project: "Settings", folder: StrPath, *, console: Console = SILENCE) -> "LoadReport":
    """Loads an extract into the landing schema: all the tables that the folder has, or none.

    Raises DataError if a file cannot be read, Busy or NoConnection if the warehouse cannot be had
    or another load or build is running, UsageError if the landing schema is another target's.
    """
    from exhaust.extract.folder import read_extract
    from exhaust.pipeline.lease import LeaseConsole, holding_target
    from exhaust.pipeline.load import load
    from exhaust.project.package import OWN_PACKAGE
    from exhaust.project.sources import read_sources
    from exhaust.warehouse import connect

    extract = read_extract(Path(folder), read_sources(OWN_PACKAGE))
    with (
        holding_target(project, "load", console) as lease,
        connect(project.profile, writing=True, console=console) as warehouse,
    ):
        return load(warehouse, project, extract, LeaseConsole(console, lease))


def build(
    project: "Settings", dbt_arguments: Sequence[str] = (), *, console: Console = SILENCE
) -> "BuildReport":
    """Builds and tests the marts; `dbt_arguments` go to `dbt build`.

    A failed model or test is in the report and raises nothing. Raises DataError if nothing is
    loaded, Busy or NoConnection if the warehouse cannot be had, ExhaustError if dbt breaks off.
    """
    from exhaust.pipeline.build import build

    return build(project, dbt_arguments, console)


def info(project: "Settings", *, console: Console = SILENCE) -> "Info":
    """Returns where everything of the target is, and how old it is.

    What is not loaded or not built is no error. Raises Busy or NoConnection if the warehouse cannot
    be had.
    """
    from exhaust.info import info

    return info(project, console)


def courses(
    project: "Settings",
    text: str = "",
    *,
    user_id: str | None = None,
    console: Console = SILENCE,
) -> "list[Course]":
    """Returns the courses whose ID is `text` or whose name contains it, by name.

    Without a user ID: all of them, as the operator sees them; with one: those that the user may
    export. Raises DataError if nothing is built, PermissionDenied if there is nothing for the user.
    """
    from exhaust.marts.access import find_requester
    from exhaust.marts.courses import courses

    with _marts(project, user_id, console) as marts, marts.state(console=console):
        return courses(marts, text, find_requester(marts, user_id))


def batches(
    project: "Settings", course: str, *, user_id: str | None = None, console: Console = SILENCE
) -> "tuple[Course, list[Batch]]":
    """Returns the course of that ID or name, or with a batch of that ID, and its batches by ID.

    Raises NotFound, Ambiguous, PermissionDenied; DataError if nothing is built.
    """
    from exhaust.marts.access import find_course, find_requester
    from exhaust.marts.courses import batches

    with _marts(project, user_id, console) as marts, marts.state(console=console):
        requester = find_requester(marts, user_id)
        found = find_course(marts, course, requester)
        return found, batches(marts, found.id, requester)


def export(
    project: "Settings",
    courses: Sequence[str] = (),
    *,
    all_courses: bool = False,
    batches: Sequence[str] = (),
    output: StrPath | BinaryIO | None = None,
    output_dir: StrPath | None = None,
    user_id: str | None = None,
    form: ReportForm | None = None,
    password: str | None = None,
    console: Console = SILENCE,
) -> "ExportReport":
    """Writes the reports of courses: a file per batch in `output_dir`, or one file or stream.

    `courses` and `batches` are IDs or names; the ID of a batch in `courses` stands for this batch
    of its course. Without a form, the ending of `output` decides between Excel and CSV. A
    `password` protects the files, and opens the file that `form.since` names. A user's export is
    recorded in the ledger, the operator's is not. Raises NotFound, Ambiguous, PermissionDenied,
    UsageError for arguments that contradict each other, for a path that cannot be written and for
    a key that cannot sign, Busy while a build is running or the report is being processed,
    DataError if nothing is built, if the build was not whole, or if a format cannot hold a value.
    """
    from exhaust.reports.export import export
    from exhaust.reports.selection import Criteria

    form = replace(form or _form_of(output), is_protected=password is not None)
    criteria = Criteria(courses, all_courses, batches, user_id, form)
    criteria.check()
    destination = replace(_destination(output, output_dir), password=password)
    destination.check(criteria)
    with ExitStack() as stack:
        marts = stack.enter_context(_marts(project, user_id, console))
        earlier = _earlier(project, form.since, user_id, password)
        if user_id is None:
            return export(marts, criteria, destination, console, earlier=earlier)

        from exhaust.requests.at_once import export_at_once

        ledger = stack.enter_context(_ledger(project, user_id, console))
        return export_at_once(marts, ledger, criteria, destination, console, earlier=earlier)


def explain(
    project: "Settings",
    course: str,
    learner: str,
    column: str | None = None,
    *,
    batch: str | None = None,
    user_id: str | None = None,
    console: Console = SILENCE,
) -> "Explanation":
    """Explains why the report of a course says what it says of a learner, given by user ID.

    With a column, by its ID or label, explains only that. A learner is explained in all batches of
    the course, or in one. Raises NotFound, also for a learner whom the user may not see; Ambiguous,
    PermissionDenied; DataError if nothing is built, or if data was loaded after the build.
    """
    from exhaust.reports.explain import MARTS, check_explanations, explain

    with _marts(project, user_id, console) as marts:
        check_explanations(marts)
        with marts.state(MARTS, console) as build:
            return explain(marts, build, course, learner, column, batch=batch, user_id=user_id)


def verify(
    file: StrPath,
    receipt: StrPath | None = None,
    project: "Settings | StrPath | None" = None,
) -> "Verification":
    """Compares a report file with its receipt, which is found next to it if it is not given.

    If the project lists public keys (`receipt_public_keys`), the file passes only if one of them
    has signed the receipt. `project` may be only its folder: no profile and no warehouse is needed.
    Left out, it is found as `open_project` finds it; where there is none, no key is known. Raises
    NotFound if the file or the receipt does not exist, DataError if the receipt cannot be read,
    UsageError if a public key or dbt_project.yml cannot be read.
    """
    from exhaust.project.settings import Settings, read_receipt_public_keys
    from exhaust.reports.verify import verify

    if isinstance(project, Settings):
        public_keys = project.receipt_public_keys
    else:
        public_keys = read_receipt_public_keys(Path(project) if project else None)
    return verify(Path(file), Path(receipt) if receipt else None, public_keys)


def submit(
    project: "Settings",
    course: str,
    *,
    user_id: str | None,
    batches: Sequence[str] = (),
    form: ReportForm | None = None,
    password: str | None = None,
    console: Console = SILENCE,
) -> "Request":
    """Requests the report of a course; a worker makes it (see `process`).

    `form.since` is the ID of one of the user's requests. A `password` protects the files; only the
    workers can read it, and it is forgotten when the request ends, or after a day. Raises
    UsageError without a user ID, for too many batches, and for a form that the report cannot have,
    NotFound if no worker has published its key, Busy while the report is being processed, and what
    selecting the batches raises.
    """
    from exhaust.reports.selection import Criteria
    from exhaust.requests.desk import submit

    criteria = Criteria([course], batches=batches, user_id=user_id, form=form or ReportForm())
    with (
        _marts(project, user_id, console) as marts,
        _ledger(project, user_id, console) as ledger,
        marts.state(criteria.kind.marts, console),
    ):
        return submit(marts, ledger, criteria, password=password)


def process(project: "Settings", *, console: Console = SILENCE) -> "Iterator[Request]":
    """Makes the reports that were requested, and yields each request after it was processed.

    Ends when none is waiting. Raises Busy or NoConnection if the warehouse cannot be had,
    UsageError for a key that cannot sign.
    """
    from exhaust.requests.lease import process_name
    from exhaust.requests.ledger import Ledger
    from exhaust.requests.worker import process

    with Ledger.open(project.profile, console=console) as ledger:
        yield from process(project, ledger, process_name(), console, SYSTEM_CLOCK)


def requests(project: "Settings", *, user_id: str | None = None) -> "list[Request]":
    """Returns all requests, or only the user's own, newest first."""
    with _ledger(project, user_id, writing=False) as ledger:
        return ledger.requests(user_id)


def request(project: "Settings", request_id: str, *, user_id: str | None = None) -> "Request":
    """Returns a request. Raises NotFound if there is none of that ID, or it is not the user's."""
    with _ledger(project, user_id, writing=False) as ledger:
        return ledger.request(request_id, user_id)


def workers(project: "Settings", *, user_id: str | None = None) -> "list[Worker]":
    """Returns the workers that were seen lately, the one that was seen last first."""
    with _ledger(project, user_id, writing=False) as ledger:
        return ledger.workers()


def download(
    project: "Settings",
    request_id: str,
    *,
    output: StrPath | BinaryIO | None = None,
    output_dir: StrPath | None = None,
    user_id: str | None = None,
    console: Console = SILENCE,
) -> list[Path]:
    """Copies the files of a processed request, with their receipts, and returns their paths.

    Raises NotFound if there are no files, Busy while the request is being processed,
    PermissionDenied if the user has lost the right to them.
    """
    from exhaust.requests.desk import download

    destination = _destination(output, output_dir)
    with _ledger(project, user_id, console, writing=False) as ledger:
        return download(project, ledger, request_id, user_id, destination, console)


def cancel(
    project: "Settings",
    request_id: str,
    *,
    user_id: str | None = None,
    console: Console = SILENCE,
) -> "Request":
    """Cancels a request that is waiting or being processed.

    Raises NotFound if there is none of that ID, or it is not the user's; UsageError if it has
    ended.
    """
    with _ledger(project, user_id, console) as ledger:
        return ledger.cancel(request_id, user_id)


def grant(
    project: "Settings",
    kind: str,
    role: str,
    *,
    user_id: str | None = None,
    console: Console = SILENCE,
) -> "Granted":
    """Gives a role of PostgreSQL the rights of a `reader`, a `server` or a `worker`.

    `user_id` is the user whose requests a reader makes. Raises UsageError on other engines and for
    another kind, NotFound without such a role, DataError if nothing is built, PermissionDenied if
    the caller may not grant a right, or if the role may write the ledger in another way.
    """
    from exhaust.errors import UsageError
    from exhaust.requests.grants import GrantKind, grant

    kinds = [one.value for one in GrantKind]
    if kind not in kinds:
        raise UsageError(f"There is no kind `{kind}`.", f"Give one of {', '.join(kinds)}.")
    return grant(project, GrantKind(kind), role, user_id, console)
