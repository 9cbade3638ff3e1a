"""Puts one report file in its place: with its receipt, and protected if there is a password."""

import hashlib
import io
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from exhaust.console import STANDARD_OUTPUT
from exhaust.reports.formats import Format
from exhaust.reports.pair import Publish, new_report
from exhaust.reports.receipt import Contents, Digest, Origin, make_receipt, receipt_path
from exhaust.reports.try_folder import try_folder

if TYPE_CHECKING:
    from exhaust.reports.selection import Destination


IN_OTHER_FILES = "in other files"
"""Why a row of the report is not in a file of a split."""


@dataclass(frozen=True)
class ReportFile:
    """A report that was written."""

    course_id: str
    batches: dict[str, int]
    """Their rows in the file, by ID."""
    file: str
    """The path; `-` for a stream."""
    receipt: str | None
    """None for a stream and for a device."""
    rows: int
    bytes: int
    sha256: str
    left_out: dict[str, int]
    """Enrolments that are not rows of the file, by reason."""
    split: Mapping[str, str | None] | None = None
    """What the learners of a file of a split have in common, by label."""
    index: str | None = None
    """The path of the list of the files of its split."""


class Sink(io.RawIOBase):
    """Passes bytes on, and knows their number and their SHA-256."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._file.write(data)
        self._digest.update(data)
        self._size += len(data)
        return len(data)

    def flush(self) -> None:
        if not self.closed:
            self._file.flush()

    @property
    def digest(self) -> Digest:
        return Digest(self._size, self._digest.hexdigest())


Make = Callable[[BinaryIO], Contents]
"""Writes the content of a report, in clear, and says what it is."""


def write_file(
    output: Path | BinaryIO,
    make: Make,
    origin: Origin,
    destination: "Destination",
    publish: Publish,
    *,
    scratch: Path | None = None,
) -> ReportFile:
    """Writes a report file with its receipt, protected if the destination has a password.

    What is in clear meanwhile is in `scratch`, or in a try's folder next to the file.
    """
    with ExitStack() as stack:
        protected = None
        if destination.password is not None:
            folder = scratch or stack.enter_context(try_folder(_parent(output)))
            protected = _protect(output, make, folder, origin, destination.password)
            output = protected.output
        file, receipt = stack.enter_context(
            new_report(
                output,
                is_named=destination.output is not None,
                is_private=destination.is_private,
                publish=lambda path, take_names: publish(path, contents.rows, take_names),
            )
        )
        sink = Sink(file)
        if protected is None:
            contents = make(cast(BinaryIO, sink))
        else:
            contents = protected.contents
            with protected.file.open("rb") as stream:
                shutil.copyfileobj(stream, sink)
        sink.flush()
        if receipt and isinstance(output, Path):
            receipt.write(make_receipt(output, contents, sink.digest, origin))
    return ReportFile(
        course_id=contents.course.id,
        batches={batch.id: batch.rows for batch in contents.batches},
        file=str(output) if isinstance(output, Path) else STANDARD_OUTPUT,
        receipt=str(receipt_path(output)) if receipt and isinstance(output, Path) else None,
        rows=contents.rows,
        bytes=sink.digest.bytes,
        sha256=sink.digest.sha256,
        left_out=contents.left_out,
        split=contents.split,
    )


@dataclass(frozen=True)
class _Protected:
    """A report that was made and protected, in a try's folder."""

    output: Path | BinaryIO
    """With the ending that the protection gives."""
    file: Path
    contents: Contents


def _protect(
    output: Path | BinaryIO, make: Make, folder: Path, origin: Origin, password: str
) -> _Protected:
    from exhaust.reports.protection import protect

    form = origin.form
    plain = folder / (output.name if isinstance(output, Path) else f"report{form.format.ending}")
    file = folder / ".protected"
    with plain.open("wb") as stream:
        sink = Sink(stream)
        contents = make(cast(BinaryIO, sink))
    if form.format is Format.CSV:
        contents = contents.with_twin(sink.digest.sha256)
    with file.open("wb") as stream:
        ending = protect(plain, form.format, password, stream)
    plain.unlink()
    if isinstance(output, Path) and not output.name.endswith(ending):
        output = output.with_name(output.name + ending)
    return _Protected(output, file, contents)


def _parent(output: Path | BinaryIO) -> Path | None:
    return output.parent if isinstance(output, Path) else None
