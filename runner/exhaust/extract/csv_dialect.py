"""Decides how each CSV file of an extract escapes quotes."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from exhaust.extract import cqlsh
from exhaust.extract.cqlsh import Rewritten
from exhaust.extract.csv_file import CsvFile
from exhaust.extract.csv_scan import BACKSLASH, CQLSH, DOUBLED, Scan, most_common_escape, scan
from exhaust.extract.gunzip import is_refused_by_duckdb
from exhaust.extract.part import Part
from exhaust.extract.processes import map_parts
from exhaust.extract.spool import Spool, spooled


def open_csv_files(parts_of: Mapping[str, Sequence[Part]]) -> dict[Part, CsvFile]:
    """Opens the CSV files among the parts of each table.

    Each file is read with the escape that its bytes prove. Without proof, the escape is that of
    most files of the table, else of most files of the extract. Raises DataError for the first file
    that cannot be read.
    """
    parts = [part for parts in parts_of.values() for part in parts if part.is_csv]
    scans = dict(zip(parts, map_parts(parts, _scan), strict=True))
    cqlsh_parts = _cqlsh_parts(scans)
    default = most_common_escape(
        [found for part, found in scans.items() if part not in cqlsh_parts], BACKSLASH
    )
    files = {}
    for table in parts_of.values():
        others = {part: scans[part] for part in table if part in scans and part not in cqlsh_parts}
        likely = most_common_escape(others.values(), default)
        for part, found in others.items():
            files[part] = _open(part, found, likely)
    return files | _open_cqlsh(cqlsh_parts)


def _scan(part: Part) -> Scan:
    with part.open() as stream, part.faults_as_data_errors():
        return dataclasses.replace(scan(stream), needs_decompression=is_refused_by_duckdb(stream))


def _cqlsh_parts(scans: Mapping[Part, Scan]) -> list[Part]:
    """Returns the files that cqlsh wrote.

    These are the files that prove it, and with them all files that could be cqlsh's. If no file
    proves it, collections as CQL literals and the line ends of cqlsh are enough, unless a file
    doubles its quotes: then the extract is a backup of the successor. A file without a backslash
    reads the same either way.
    """
    proven_cqlsh = {part for part, found in scans.items() if found.escape == CQLSH}
    ends = {scans[part].ends_in_cr for part in proven_cqlsh}
    proven_escapes = {found.escape for found in scans.values() if found.is_proven}
    if not proven_cqlsh and DOUBLED not in proven_escapes:
        ends = {found.ends_in_cr for found in scans.values() if found.has_literals}
    return [
        part
        for part, found in scans.items()
        if part in proven_cqlsh
        or (
            found.has_backslash
            and found.ends_in_cr in ends
            and not (found.is_proven and found.escape == DOUBLED)
            and _could_be_cqlsh(part)
        )
    ]


def _could_be_cqlsh(part: Part) -> bool:
    with part.open() as stream:
        return cqlsh.could_be_cqlsh(stream)


def _open(part: Part, found: Scan, likely: str) -> CsvFile:
    escape = found.escape or likely
    if found.needs_decompression:
        part = part.spooled()
    if found.is_ambiguous:
        escape = _escape_by_trial(part, found, escape)
    lines = None if escape in found.multiline_escapes else found.lines
    file = CsvFile.open(part, escape, lines, may_have_extra_fields=found.has_trailing_comma)
    # DuckDB would silently drop the rows inside an unclosed quote.
    if escape in found.unclosed_escapes and (fault := file.find_fault()):
        raise fault
    return file


def _escape_by_trial(part: Part, found: Scan, likely: str) -> str:
    """Returns the escape that can read an ambiguous file; `likely` if both or neither can."""
    other = DOUBLED if likely == BACKSLASH else BACKSLASH
    can_be_read = [
        escape not in found.unclosed_escapes and CsvFile.open(part, escape).can_be_read()
        for escape in (likely, other)
    ]
    return other if can_be_read == [False, True] else likely


def _rewritten(part: Part) -> tuple[Spool, Rewritten]:
    results: list[Rewritten] = []

    def write(to: BinaryIO) -> None:
        with part.open() as stream, part.faults_as_data_errors():
            results.append(cqlsh.rewrite(stream, to))

    return spooled(write), results[0]


def _open_cqlsh(parts: Sequence[Part]) -> dict[Part, CsvFile]:
    """Opens the files of one cqlsh, all written under the same Python version."""
    copies = {part: _rewritten(part) for part in parts}
    results = [rewritten for _, rewritten in copies.values()]
    is_old = any(rewritten.has_old_escapes for rewritten in results)
    is_new = not is_old and any(rewritten.has_new_escapes for rewritten in results)
    files = {}
    for part, (copy, rewritten) in copies.items():
        lines = rewritten.lines if rewritten.lines_are_records else None
        files[part] = dataclasses.replace(
            CsvFile.open(part, CQLSH, lines, may_have_extra_fields=rewritten.has_trailing_comma),
            copy=copy,
            unescape=cqlsh.twice_unescaped if is_new else cqlsh.once_unescaped,
        )
        if lines is None:
            raise files[part].find_fault() or part.error("a record spans more than one line")
    return files
