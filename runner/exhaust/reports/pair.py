"""A report and its receipt get their names together: nobody sees one of them next to an old one."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from exhaust.reports.files import is_device, plain_errors
from exhaust.reports.parts import naming, new_part, sweep
from exhaust.reports.receipt import receipt_path

TakeNames = Callable[[], None]
Publish = Callable[[Path, int, TakeNames], None]
"""Gets the path and the rows of a report that is complete, and what gives it that name."""


def publish_at_once(path: Path, rows: int, take_names: TakeNames) -> None:
    del path, rows
    take_names()


@contextmanager
def new_report(
    output: Path | BinaryIO,
    *,
    is_named: bool,
    is_private: bool = False,
    publish: Callable[[Path, TakeNames], None] = lambda _, take_names: take_names(),
) -> Iterator[tuple[BinaryIO, BinaryIO | None]]:
    """Opens a report and its receipt. Both get their names when the block ends.

    If the block raises, nothing has changed. What has one of the names is replaced: links are not
    followed. A stream is written to, and so is a device that somebody named; these have no receipt.
    """
    if not isinstance(output, Path):
        with plain_errors("Standard output"):
            yield output, None
    elif is_named and is_device(output):
        with plain_errors(output), output.open("wb") as file:
            yield file, None
    else:
        folder = output.parent
        with (
            plain_errors(output),
            new_part(folder, is_private=is_private) as (report_part, report),
            new_part(folder, is_private=is_private) as (receipt_part, receipt),
        ):
            yield report, receipt
            # A full disk may show only now.
            report.close()
            receipt.close()
            publish(output, lambda: _take_names(report_part, receipt_part, output))


@contextmanager
def new_index(path: Path, *, is_private: bool, rows: int, publish: Publish) -> Iterator[BinaryIO]:
    """Opens the list of some reports, which has no receipt. It gets its name as a report does."""
    with plain_errors(path), new_part(path.parent, is_private=is_private) as (part, file):
        yield file
        file.close()
        publish(path, rows, lambda: _replace(part, path))


def copy_report(file: Path, output: Path | BinaryIO, *, is_named: bool) -> None:
    """Copies a report with its receipt."""
    if isinstance(output, Path):
        sweep(output.parent)
    with (
        file.open("rb") as report,
        receipt_path(file).open("rb") as receipt,
        new_report(output, is_named=is_named) as (report_copy, receipt_copy),
    ):
        shutil.copyfileobj(report, report_copy)
        if receipt_copy:
            shutil.copyfileobj(receipt, receipt_copy)


def copy_index(file: Path, output: Path) -> None:
    """Copies the list of some reports."""
    with (
        file.open("rb") as index,
        new_index(output, is_private=False, rows=0, publish=publish_at_once) as copy,
    ):
        shutil.copyfileobj(index, copy)


def _take_names(report_part: Path, receipt_part: Path, path: Path) -> None:
    """Replaces a report and its receipt: decision 20 says why in this order."""
    receipt = receipt_path(path)
    with naming(path.parent):
        for name in (path, receipt):
            if name.is_dir() and not name.is_symlink():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.unlink(missing_ok=True)
        receipt_part.replace(receipt)
        report_part.replace(path)


def _replace(part: Path, path: Path) -> None:
    part.replace(path)
