"""Which way the CSV files of an extract escape quotes, told from each and from its neighbours."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from exhaust.extract import cqlsh
from exhaust.extract.cqlsh import Rewritten
from exhaust.extract.csv_file import CsvFile
from exhaust.extract.csv_scan import BACKSLASH, CQLSH, DOUBLED, Scan, scan, usual
from exhaust.extract.gunzip import is_odd
from exhaust.extract.part import Part
from exhaust.extract.processes import looked_into
from exhaust.extract.spool import Spool, spooled


def open_csv_files(parts_of: Mapping[str, Sequence[Part]]) -> dict[Part, CsvFile]:
    """Opens the CSV files among the parts of each table.

    Each is read with the escape that it shows, else that others show, nearest first. Raises
    DataError for one that cannot be read.
    """
    parts = [part for parts in parts_of.values() for part in parts if part.is_csv]
    scans = dict(zip(parts, looked_into(parts, _scan), strict=True))
    of_cqlsh = _of_cqlsh(scans)
    everywhere = usual([told for part, told in scans.items() if part not in of_cqlsh], BACKSLASH)
    files = {}
    for table in parts_of.values():
        others = {part: scans[part] for part in table if part in scans and part not in of_cqlsh}
        likely = usual(others.values(), everywhere)
        for part, told in others.items():
            files[part] = _open(part, told, likely)
    return files | _open_cqlsh(of_cqlsh)


def _scan(part: Part) -> Scan:
    with part.open() as stream, part.plain_faults():
        return dataclasses.replace(scan(stream), is_odd=is_odd(stream))


def _of_cqlsh(scans: Mapping[Part, Scan]) -> list[Part]:
    """The files that cqlsh wrote: those that show it, and those that fit and stand beside one.

    Where none shows it, collections as CQL writes them, and lines that end as cqlsh ends them, are
    enough, unless a file doubles its quotes: then it is the successor's backup. A file without a
    backslash reads alike, whoever wrote it.
    """
    shown = {part for part, told in scans.items() if told.escape == CQLSH}
    ends = {scans[part].ends_in_cr for part in shown}
    proven = {told.escape for told in scans.values() if told.is_proven}
    if not shown and DOUBLED not in proven:
        ends = {told.ends_in_cr for told in scans.values() if told.has_literals}
    return [
        part
        for part, told in scans.items()
        if part in shown
        or (
            told.has_backslash
            and told.ends_in_cr in ends
            and not (told.is_proven and told.escape == DOUBLED)
            and _fits(part)
        )
    ]


def _fits(part: Part) -> bool:
    with part.open() as stream:
        return cqlsh.fits(stream)


def _open(part: Part, told: Scan, likely: str) -> CsvFile:
    escape = told.escape or likely
    if told.is_odd:
        part = part.spooled()
    if told.is_doubtful:
        escape = _tried(part, told, escape)
    lines = None if escape in told.several_lines else told.lines
    file = CsvFile.open(part, escape, lines, may_have_surplus=told.has_end_after_comma)
    # DuckDB would leave out, without a word, what an unclosed quote swallows.
    if escape in told.unclosed and (fault := file.find_fault()):
        raise fault
    return file


def _tried(part: Part, told: Scan, likely: str) -> str:
    """The escape under which a doubtful file can be read; the likely one if both do, or neither."""
    other = DOUBLED if likely == BACKSLASH else BACKSLASH
    can_be_read = [
        escape not in told.unclosed and CsvFile.open(part, escape).can_be_read()
        for escape in (likely, other)
    ]
    return other if can_be_read == [False, True] else likely


def _copied(part: Part) -> tuple[Spool, Rewritten]:
    told: list[Rewritten] = []

    def write(to: BinaryIO) -> None:
        with part.open() as stream, part.plain_faults():
            told.append(cqlsh.rewrite(stream, to))

    return spooled(write), told[0]


def _open_cqlsh(parts: Sequence[Part]) -> dict[Part, CsvFile]:
    """Opens what one cqlsh wrote, under one Python."""
    copies = {part: _copied(part) for part in parts}
    told = [rewritten for _, rewritten in copies.values()]
    is_older = any(rewritten.is_older for rewritten in told)
    is_newer = not is_older and any(rewritten.is_newer for rewritten in told)
    files = {}
    for part, (copy, rewritten) in copies.items():
        lines = rewritten.lines if rewritten.has_whole_lines else None
        files[part] = dataclasses.replace(
            CsvFile.open(part, CQLSH, lines, may_have_surplus=rewritten.has_end_after_comma),
            copy=copy,
            text=cqlsh.twice_unescaped if is_newer else cqlsh.once_unescaped,
        )
        if lines is None:
            raise files[part].find_fault() or part.error("a record takes more than one line")
    return files
