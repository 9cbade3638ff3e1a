"""What a report file adds up to, row by row, and what a summary says, in one form to compare."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import openpyxl

from exhaust.marts.state import Marts
from exhaust.marts.summaries import Summary
from exhaust.reports.export import export
from exhaust.reports.form import ReportForm
from exhaust.reports.formats import Format
from exhaust.reports.selection import Criteria, Destination

FIXED_COLUMNS = 20
STEPS = ("enrolled", "started", "completed", "certified")
Funnel = tuple[int, ...]


@dataclass
class Counts:
    """The numbers of a summary."""

    funnel: Funnel
    blocks: Mapping[tuple[str | None, ...], Funnel]
    """By State, district and block."""
    weeks: Mapping[str, tuple[int, int]]
    """Enrolments and completions by the Monday of the week."""
    scores: Sequence[tuple[int, int]]
    """How many attempted each assessment, and the sum of their scores."""
    bins: Sequence[Mapping[str, int]]
    """Learners by bin of scores, of each assessment; bins without learners are left out."""


def written(marts: Marts, course: str, batches: Sequence[str], user_id: str | None) -> bytes:
    """Returns the CSV of a report with the status of each learner."""
    criteria = Criteria(
        [course], batches=batches, user_id=user_id, form=ReportForm(additions=("status",))
    )
    file = BytesIO()
    export(marts, criteria, Destination(output=file))
    return file.getvalue()


def added_up(report: bytes) -> Counts:
    """Counts the rows of a report, one by one."""
    header, *rows = csv.reader(StringIO(report.decode(), newline=""))
    learners = [dict(zip(header, row, strict=True)) for row in rows]
    blocks: dict[tuple[str | None, ...], list[Funnel]] = defaultdict(list)
    weeks: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for learner in learners:
        place = tuple(learner[name] or None for name in ("State", "District", "Block Name"))
        blocks[place].append(_steps(learner))
        for position, name in enumerate(("Enrolment Date", "Completion Date")):
            if learner[name]:
                weeks[_monday(learner[name])][position] += 1
    values = [
        [int(one[label].removesuffix("%")) if one[label] else None for one in learners]
        for label in header[FIXED_COLUMNS:]
        if label != "Status"
    ]
    return Counts(
        funnel=_total(map(_steps, learners)),
        blocks={place: _total(parts) for place, parts in blocks.items()},
        weeks={monday: (enrolled, completed) for monday, (enrolled, completed) in weeks.items()},
        scores=[
            (len(known), sum(known))
            for scores in values
            for known in [[score for score in scores if score is not None]]
        ],
        bins=[Counter(map(_bin, scores)) for scores in values],
    )


def _steps(learner: Mapping[str, str]) -> Funnel:
    return (
        1,
        int(learner["Status"] != "Not started"),
        int(bool(learner["Completion Date"])),
        int(learner["Certificate Status"] == "Issued"),
    )


def _total(parts: Iterable[Funnel]) -> Funnel:
    return tuple(map(sum, zip(*parts, strict=True))) or (0,) * len(STEPS)


def _monday(day: str) -> str:
    found = datetime.strptime(day, "%d/%m/%Y").date()
    return str(found - timedelta(days=found.weekday()))


def _bin(score: int | None) -> str:
    if score is None:
        return "not attempted"
    if score in (0, 100):
        return str(score)
    if score > 100:
        return "over 100"
    return f"{max(score // 10 * 10, 1)}-{score // 10 * 10 + 9}"


def said(summary: Summary) -> Counts:
    """Returns what a summary says, after checking that its own totals agree."""
    for district in summary.districts:
        assert astuple(district.funnel) == _total(astuple(one.funnel) for one in district.blocks)
    return Counts(
        funnel=astuple(summary.funnel),
        blocks={
            (district.state, district.name, block.name): astuple(block.funnel)
            for district in summary.districts
            for block in district.blocks
        },
        weeks={str(week.starts_on): (week.enrolled, week.completed) for week in summary.weeks},
        scores=[(one.attempted, one.score_sum) for one in summary.assessments],
        bins=[
            {bin.name: bin.learners for bin in one.bins if bin.learners}
            for one in summary.assessments
        ],
    )


def workbook_tables(
    marts: Marts, course: str, batches: Sequence[str], user_id: str | None, file: Path
) -> dict[str, list[tuple[Any, ...]]]:
    """Writes a report as a workbook and returns the tables of its sheet Summary, by the first text
    of their headers."""
    form = ReportForm(format=Format.XLSX)
    criteria = Criteria([course], batches=batches, user_id=user_id, form=form)
    export(marts, criteria, Destination(output=file))
    return dict(_tables(openpyxl.load_workbook(file)["Summary"].iter_rows(values_only=True)))


def _tables(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    table: list[tuple[Any, ...]] = []
    for row in [*rows, ()]:
        if any(cell is not None for cell in row):
            table.append(row)
        elif table:
            (name, *_), *lines = table
            yield str(name), lines
            table = []


def in_workbook(summary: Summary) -> dict[str, Any]:
    """Returns a summary as the tables of the sheet say it; shares are left out."""
    districts: dict[tuple[str, str], list[Funnel]] = defaultdict(list)
    for one in summary.districts:
        districts[one.state or "(blank)", one.name or "(blank)"].append(astuple(one.funnel))
    return {
        "Learners": dict(zip(STEPS, astuple(summary.funnel), strict=True)),
        "State": {place: _total(parts) for place, parts in districts.items()},
        "Assessment": [
            (
                one.attempted,
                None if one.mean is None else round(one.mean / 100, 9),
                one.bins[1].learners,
                sum(bin.learners for bin in one.bins[-2:]),
            )
            for one in summary.assessments
        ],
    }


def of_workbook(tables: Mapping[str, list[tuple[Any, ...]]]) -> dict[str, Any]:
    """Returns what the tables of the sheet say, in the form of `in_workbook`."""
    return {
        "Learners": {row[0].lower(): row[2] for row in tables["Learners"]},
        "State": {(row[0], row[1]): row[2:6] for row in tables["State"]},
        "Assessment": [
            (row[2], None if row[3] is None else round(row[3], 9), *row[4:6])
            for row in tables.get("Assessment", [])
        ],
    }
