"""Makes the files of a job that are not just what the engine of the warehouse writes.

Its rows go into an embedded DuckDB, in a try's folder, and from there into the files.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from exhaust.reports.about import about_of
from exhaust.reports.columns import Columns
from exhaust.reports.files import part_path
from exhaust.reports.formats import Format
from exhaust.reports.formats.csv import write_csv
from exhaust.reports.formats.csv_excel import write_csv_excel
from exhaust.reports.layout import SUNBIRD_BATCH
from exhaust.reports.pair import Publish, publish_at_once
from exhaust.reports.receipt import Contents, CountedBatch, Origin
from exhaust.reports.report_file import IN_OTHER_FILES, ReportFile, write_file
from exhaust.reports.selection import Destination, Job
from exhaust.reports.since import leave_out_unchanged
from exhaust.reports.source import Source
from exhaust.reports.split import Part, split, split_columns
from exhaust.reports.split_index import write_index
from exhaust.reports.table import ReportColumn, Rows, count, embedded_duckdb, load_csv
from exhaust.reports.try_folder import try_folder
from exhaust.reports.twin import twin_sha256, values_sha256

if TYPE_CHECKING:
    import duckdb

UNCHANGED = "unchanged"
"""Why a row of the report is not in a file of what is new or changed."""
COPIED = 0.3
"""The share of the work that copying the rows out of the warehouse is."""

Advance = Callable[[Job, float], None]


def write_formatted(
    source: Source,
    job: Job,
    columns: Columns,
    origin: Origin,
    destination: Destination,
    advance: Advance,
) -> list[ReportFile]:
    """Writes the files of a job: one, or one for each part of a split and their index."""
    parent = job.output.parent if isinstance(job.output, Path) else None
    with try_folder(parent) as folder, embedded_duckdb(folder) as duck:
        making = _Making(source, job, columns, origin, destination, advance, folder, duck)
        making.load()
        return making.write_parts() if origin.form.split_by else [making.write_one()]


@dataclass
class _Making:
    """The files of a job being made from the rows in the embedded DuckDB."""

    source: Source
    job: Job
    columns: Columns
    origin: Origin
    destination: Destination
    advance: Advance
    folder: Path
    duck: "duckdb.DuckDBPyConnection"

    def load(self) -> None:
        """Creates the table `kept` of the rows that are written."""
        file = self.folder / "rows.csv"
        with file.open("wb") as stream:

            def write(data: bytes) -> None:
                stream.write(data)
                self.advance(self.job, COPIED * data.count(b"\n"))

            self.source.copy_out(self.job, self.columns.plan, write)
        # Both engines would have their memory at the same time.
        self.source.warehouse.release_memory()
        load_csv(self.duck, "loaded", file, [column.name for column in self._all])
        file.unlink()
        if self.origin.earlier is None:
            self.duck.execute("alter table loaded rename to kept")
        else:
            leave_out_unchanged(
                self.duck, "loaded", "kept", self.columns, self.origin.earlier, self.folder
            )

    def write_one(self) -> ReportFile:
        return self._write("kept", self.job.output, self.destination.publish)

    def write_parts(self) -> list[ReportFile]:
        """Writes a file for each part, then the index: it stands for all of them."""
        by = self.origin.form.split_by
        output, index = self.job.output, self.job.index
        if by is None or index is None or not isinstance(output, Path):
            raise TypeError("only a file of its own for each part can be written")
        parts = split(self.duck, "kept", "split", by, self._all)
        self.duck.execute("drop table kept")
        files = [replace(self._write_part(part, output), index=str(index)) for part in parts]
        labels = [column.label for column in split_columns(self._all, by)]
        write_index(self.duck, index, labels, files, self.origin.form, self.destination)
        return files

    def _write_part(self, part: Part, output: Path) -> ReportFile:
        relation = f"part_{part.number}"
        self.duck.execute(
            f"create view {relation} as select * exclude (part) from split "
            f"where part = {part.number}"
        )
        return self._write(relation, part_path(output, part.name), publish_at_once, part)

    def _write(
        self,
        relation: str,
        output: Path | BinaryIO,
        publish: Publish,
        part: Part | None = None,
    ) -> ReportFile:
        rows = Rows(
            self.duck,
            relation,
            self.columns.shown,
            self.columns.hidden,
            count(self.duck, relation),
        )
        contents = self._contents(rows, part)
        return write_file(
            output,
            lambda file: self._format(rows, contents, file),
            self.origin,
            self.destination,
            publish,
            scratch=self.folder,
        )

    def _format(self, rows: Rows, contents: Contents, file: BinaryIO) -> Contents:
        def advance(number: int) -> None:
            self.advance(self.job, (1 - COPIED) * number)

        form = self.origin.form
        if form.format is Format.CSV:
            write_csv(rows, file, advance)
        elif form.format is Format.CSV_EXCEL:
            write_csv_excel(rows, file, advance)
        else:
            from exhaust.reports.formats.xlsx import write_xlsx

            about = about_of(contents, self.origin)
            write_xlsx(rows, about, file, self.folder, advance)
        return contents

    def _contents(self, rows: Rows, part: Part | None) -> Contents:
        is_csv = self.origin.form.format is Format.CSV
        return Contents(
            course=self.job.course,
            batches=self._batches(rows),
            are_all_batches=self.job.are_all_batches,
            root_org_id=self.source.root_org_id(self.job),
            columns=rows.columns,
            twin_sha256=None if is_csv else twin_sha256(rows),
            values_sha256=None if is_csv else values_sha256(rows),
            split=part.values if part else None,
        )

    def _batches(self, rows: Rows) -> Sequence[CountedBatch]:
        """Returns the batches of a file, with the reason for each row that it does not have."""
        kept = self._kept
        in_file = _rows_by_batch(rows.duck, rows.relation, self._all)
        batches = []
        for batch in self.job.batches:
            of_file, of_all = in_file.get(batch.id, 0), kept.get(batch.id, 0)
            left_out = dict(batch.left_out)
            if self.origin.earlier is not None:
                left_out[UNCHANGED] = batch.enrolled - of_all
            if self.origin.form.split_by is not None:
                left_out[IN_OTHER_FILES] = of_all - of_file
            batches.append(CountedBatch(batch.id, batch.batch_name, of_file, left_out))
        return batches

    @cached_property
    def _kept(self) -> Mapping[str, int]:
        relation = "split" if self.origin.form.split_by else "kept"
        return _rows_by_batch(self.duck, relation, self._all)

    @property
    def _all(self) -> list[ReportColumn]:
        return [*self.columns.shown, *self.columns.hidden]


def _rows_by_batch(
    duck: "duckdb.DuckDBPyConnection", relation: str, columns: Sequence[ReportColumn]
) -> dict[str, int]:
    """Returns the number of rows of each batch, by ID."""
    (batch,) = [column for column in columns if column.id == "batch_id"]
    found = duck.execute(
        f"select {batch.name}, count(*) from {relation} group by {batch.name}"
    ).fetchall()
    prefix = SUNBIRD_BATCH if batch.kind == "sunbird_batch" else ""
    return {text.removeprefix(prefix): number for text, number in found}
