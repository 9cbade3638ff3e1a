"""Finds out which columns of a report a file has, by its header and the receipt."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from exhaust.project.sql import added_report_columns
from exhaust.reports.reading.problem import Problem
from exhaust.reports.reading.value_changes import original_text
from exhaust.reports.receipt_reader import ReadReceipt
from exhaust.reports.table import ReportColumn

FIXED: Mapping[str, tuple[str, str]] = {
    "collection id": ("course_id", "text"),
    "collection name": ("course_name", "text"),
    "batch id": ("batch_id", "text"),
    "batch name": ("batch_name", "text"),
    "user uuid": ("user_id", "text"),
    "state": ("state", "text"),
    "district": ("district", "text"),
    "org name": ("org_name", "text"),
    "school id": ("school_id", "text"),
    "school name": ("school_name", "text"),
    "block name": ("block", "text"),
    "cluster name": ("cluster", "text"),
    "user type": ("user_type", "text"),
    "user sub type": ("user_sub_type", "text"),
    "declared board": ("declared_board", "text"),
    "enrolment date": ("enrolled_on", "date"),
    "completion date": ("completed_on", "date"),
    "certificate status": ("certificate_status", "text"),
    "progress": ("progress", "number"),
    "total score": ("total_score", "percent"),
}
"""The ID and the kind of columns that every report may have, by the label in lower case."""
SCORE = "Score"
ASSESSMENT = re.compile(r"(?:.* \[(?P<named>[^\[\]]+)\]|(?P<id>.+)) - (?P<what>\w+)", re.S)
"""The label of a column of an assessment, such as `do_1 - Score` or `Fractions [do_1] - Score`."""


@dataclass(frozen=True)
class FoundColumns:
    """The columns of a file, in its order."""

    columns: Sequence[ReportColumn]
    problems: Sequence[Problem]
    """How they differ from those of the receipt."""
    are_original: bool
    """Whether they are those of the receipt, in its order; their names may be misread."""
    are_misread: bool
    """Whether a name was read in another encoding."""


def expected_columns(receipt: ReadReceipt) -> list[ReportColumn]:
    """Returns the columns of a report as its receipt lists them."""
    return [
        replace(_known(f"c{number}", label), header=header, kind=kind)
        if column_id is None
        else replace(_known(f"c{number}", label), header=header, kind=kind, id=column_id)
        for number, ((label, kind), header, column_id) in enumerate(
            zip(receipt.kinds.items(), receipt.headers, receipt.column_ids, strict=True), 1
        )
    ]


def find_columns(header: Sequence[str], receipt: ReadReceipt | None) -> FoundColumns:
    """Returns the columns of a file with this header."""
    if receipt is None or not header:
        columns = [_known(f"c{number}", text) for number, text in enumerate(header, 1)]
        return FoundColumns(columns, [], are_original=False, are_misread=False)
    expected = expected_columns(receipt)
    read = [original_text(text) or text for text in header]
    by_header = {column.header: column for column in expected}
    header_of = {
        **{column.label: column.header for column in expected},
        **{header: header for header in by_header},
    }
    texts = [
        header_of.get(text) or header_of.get(other, text)
        for text, other in zip(header, read, strict=True)
    ]
    renamed = dict(_renamed(texts, [column.header for column in expected]))
    texts = [renamed.get(number, text) for number, text in enumerate(texts)]
    problems = [
        Problem("a column that was renamed", 1, 1, old, header[number])
        for number, old in renamed.items()
    ]
    problems += _differences(texts, [column.header for column in expected])
    columns = [
        replace(by_header[text], name=f"c{number}")
        if text in by_header
        else ReportColumn(f"c{number}", text, text, text, "")
        for number, text in enumerate(texts, 1)
    ]
    return FoundColumns(
        columns,
        _merged(problems),
        are_original=not problems and len(columns) == len(expected),
        are_misread=any(text not in header_of for text in header),
    )


def _known(name: str, label: str) -> ReportColumn:
    """Returns a column with the ID and the kind that its label stands for."""
    fixed, of_assessment = _known_labels()
    if label.lower() in fixed:
        column_id, kind = fixed[label.lower()]
        return ReportColumn(name, column_id, label, label, kind)
    match = ASSESSMENT.fullmatch(label)
    if match and match["what"] in of_assessment:
        column_id, what = match["named"] or match["id"], match["what"]
        return ReportColumn(
            name,
            column_id,
            f"{column_id} - {what}",
            label,
            of_assessment[what],
            assessment_id=column_id,
            is_addition=what != SCORE,
        )
    return ReportColumn(name, label, label, label, "")


@cache
def _known_labels() -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """Returns the IDs and kinds of columns of a learner by their labels in lower case, and the
    kinds of those of an assessment by how their labels end."""
    fixed, of_assessment = dict(FIXED), {SCORE: "score"}
    for added in added_report_columns():
        if added.get("is_per_assessment"):
            of_assessment[added["label"]] = added["kind"]
        else:
            fixed[added["label"].lower()] = (added["source"], added["kind"])
    return fixed, of_assessment


def _renamed(found: Sequence[str], expected: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yields the numbers and the old headers of columns that have another header in their place."""
    if len(found) == len(expected):
        for number, (new, old) in enumerate(zip(found, expected, strict=True)):
            if new not in expected and old not in found:
                yield number, old


def _differences(found: Sequence[str], expected: Sequence[str]) -> Iterator[Problem]:
    missing = Counter(expected) - Counter(found)
    for header in missing.elements():
        yield Problem("a column that is missing", 1, 1, header, "")
    for header in (Counter(found) - Counter(expected)).elements():
        yield Problem("a column that was added", 1, 1, header, header)
    kept = [header for header in dict.fromkeys(found) if header in set(expected)]
    left = (header for header in expected if header not in missing)
    for old, new in zip(left, kept, strict=True):
        if old != new:
            yield Problem("a column that was moved", 1, 1, old, new)


def _merged(problems: Sequence[Problem]) -> list[Problem]:
    """Returns the first problem of each kind, with the number of all of them."""
    times = Counter(problem.what for problem in problems)
    first = {problem.what: problem for problem in reversed(problems)}
    return [replace(first[what], times=number) for what, number in times.items()]
