"""Report files: writing, explaining, checking and comparing them."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from exhaust.api.opening import StrPath
from exhaust.api.opening import destination as _destination
from exhaust.api.opening import earlier as _earlier
from exhaust.api.opening import form_of as _form_of
from exhaust.api.opening import ledger as _ledger
from exhaust.api.opening import marts as _marts
from exhaust.console import SILENCE, Console
from exhaust.reports.form import ReportForm

if TYPE_CHECKING:
    from exhaust.project.settings import Settings
    from exhaust.reports.diff import Diff
    from exhaust.reports.explanation import Explanation
    from exhaust.reports.export import ExportReport
    from exhaust.reports.verify import Verification


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
    *,
    password: str | None = None,
) -> "Verification":
    """Compares a report file with its receipt, which is found next to it if it is not given.

    If the project lists public keys (`receipt_public_keys`), the file passes only if one of them
    has signed the receipt. `project` may be only its folder: no profile and no warehouse is needed.
    Left out, it is found as `open_project` finds it; where there is none, no key is known. Raises
    NotFound if the file or the receipt does not exist, DataError if the receipt or an Excel file
    cannot be read, UsageError if a public key or dbt_project.yml cannot be read, PasswordNeeded
    and WrongPassword.
    """
    from exhaust.reports.verify import verify

    keys = _public_keys(project)
    return verify(Path(file), Path(receipt) if receipt else None, keys, password)


def diff(
    old: StrPath,
    new: StrPath,
    *,
    old_password: str | None = None,
    new_password: str | None = None,
    project: "Settings | StrPath | None" = None,
    output: StrPath | BinaryIO | None = None,
    limit: int | None = None,
) -> "Diff":
    """Compares two report files of a course, of any format, by learner and batch.

    Their receipts, if they have some, are checked as `verify` does; what is found there is in the
    notes. All differences are written to `output` as CSV, if it is given; the result has at most
    `limit` of them. Raises NotFound for a missing file, UsageError for reports of different
    courses, DataError for a file that cannot be read, that has a learner twice, or that lacks the
    columns of the IDs, PasswordNeeded and WrongPassword.
    """
    from exhaust.reports.diff import diff

    return diff(
        Path(old),
        Path(new),
        _public_keys(project),
        old_password=old_password,
        new_password=new_password,
        output=Path(output) if isinstance(output, str | PathLike) else output,
        limit=limit,
    )


def _public_keys(project: "Settings | StrPath | None") -> "Mapping[str, str]":
    from exhaust.project.settings import Settings, read_receipt_public_keys

    if isinstance(project, Settings):
        return project.receipt_public_keys
    return read_receipt_public_keys(Path(project) if project else None)
