"""The columns of a report file: which there are, which were chosen, and their headers."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import chain, count

from exhaust.errors import UsageError
from exhaust.marts.header_plan import Column, additions, assessments, with_additions
from exhaust.marts.names import MAX_NEAREST, comparable
from exhaust.reports.form import Headers, ReportForm
from exhaust.reports.formats import Format
from exhaust.reports.table import ReportColumn
from exhaust.text import Message, visible

STATUS = "status"
"""The addition that the summary of a workbook counts."""


@dataclass(frozen=True)
class Columns:
    """The columns of one report file, and those that only making it needs."""

    plan: Sequence[Column]
    """As the SELECT needs them: first those of the file, in their order."""
    shown: Sequence[ReportColumn]
    hidden: Sequence[ReportColumn]


def find_columns(plan: Sequence[Column], form: ReportForm) -> Columns:
    """Chooses from the header plan of a course, in the form's layout, and from the additions.

    Raises UsageError for a name that is none of them, or several.
    """
    wanted = [_addition(name) for name in form.additions]
    shown = with_additions(plan, wanted) if wanted else list(plan)
    if form.columns:
        everything = with_additions(plan, list(additions()))
        chosen = [_named(everything, name) for name in form.columns]
        shown = [*chosen, *(one for one in _only_added(shown) if one not in chosen)]
    _check_unique(shown)
    needed: Sequence[Column] = [] if form.is_plain else plan
    if form.format is Format.XLSX:
        needed = with_additions(plan, [STATUS])
    labels = {column["label"] for column in shown}
    hidden = [column for column in needed if column["label"] not in labels]
    ids = {score["assessment_ordinal"]: score["column_name"] for score in assessments(plan)}
    every = [
        ReportColumn(
            name=f"c{number}",
            id=column["column_name"],
            label=column["label"],
            header=column["label"],
            kind=column["kind"],
            assessment_id=ids.get(column["assessment_ordinal"]),
            assessment_name=column["assessment_name"],
            assessment_ordinal=column["assessment_ordinal"],
            is_addition="addition" in column,
        )
        for number, column in enumerate([*shown, *hidden], 1)
    ]
    return Columns(
        plan=[*shown, *hidden],
        shown=_with_headers(every[: len(shown)], form.headers_shown),
        hidden=every[len(shown) :],
    )


def _only_added(columns: Sequence[Column]) -> list[Column]:
    return [column for column in columns if "addition" in column]


def _addition(name: str) -> str:
    """Returns the ID of the addition that somebody names by its ID or by one of its labels."""
    known = additions()
    for addition, labels in known.items():
        if comparable(name) in map(comparable, (addition, *labels)):
            return addition
    every = ", ".join(label for labels in known.values() for label in labels)
    raise UsageError(f"No column to add is called `{visible(name)}`.", f"There are {every}.")


def matching(columns: Sequence[Column], name: str) -> list[Column]:
    """Returns the columns that somebody names: by their label or ID, exactly or else in any case,
    or by their assessment's name in any case."""
    for match, name_of in (
        *((str, _label), (str, _own_id)),
        *((comparable, _label), (comparable, _own_id), (comparable, _own_name)),
    ):
        found = [
            column
            for column in columns
            if (own := name_of(column)) is not None and match(own) == match(name)
        ]
        if found:
            return found
    return []


def nearest_labels(columns: Sequence[Column], name: str) -> list[str]:
    """Returns the labels that are most like a name, the nearest first."""
    labels = {comparable(column["label"]): column["label"] for column in columns}
    nearest = get_close_matches(comparable(name), labels, MAX_NEAREST, cutoff=0)
    return [visible(labels[one]) for one in nearest]


def _named(columns: Sequence[Column], name: str) -> Column:
    """Returns the one column that somebody names."""
    found = matching(columns, name)
    if not found:
        raise UsageError(
            Message("There is no column `{name}`.", name=visible(name)),
            Message("The nearest are {labels}.", labels=", ".join(nearest_labels(columns, name))),
        )
    if len(found) > 1:
        raise UsageError(
            Message("Several columns are called `{name}`.", name=visible(name)),
            Message("Give one of {labels}.", labels=_labels(found)),
        )
    return found[0]


def _label(column: Column) -> str | None:
    label: str = column["label"]
    return label


def _own_id(column: Column) -> str | None:
    """Returns the ID that only this column has: that of an assessment stands for its score."""
    if _is_more_of_assessment(column):
        return None
    own: str = column.get("addition") or column["column_name"]
    return own


def _own_name(column: Column) -> str | None:
    name: str | None = column["assessment_name"]
    return None if _is_more_of_assessment(column) else name


def _is_more_of_assessment(column: Column) -> bool:
    return column["assessment_ordinal"] is not None and column["kind"] != "score"


def _labels(columns: Sequence[Column]) -> str:
    return ", ".join(visible(column["label"]) for column in columns)


def _check_unique(columns: Sequence[Column]) -> None:
    labels = Counter(column["label"] for column in columns)
    for label, times in labels.items():
        if times > 1:
            raise UsageError(
                Message("The column {label} was given twice.", label=visible(label)),
                Message("Give it once."),
            )


def _with_headers(columns: Sequence[ReportColumn], headers: Headers) -> list[ReportColumn]:
    """Gives the columns their headers, no two of them alike in any case.

    Labels are taken as they are: the header plan has none twice, and machines read them.
    """
    if headers is Headers.ID:
        return list(columns)
    wanted = [_header(column, headers) for column in columns]
    uses = Counter(map(_folded, wanted))
    taken: set[str] = set()
    found = []
    for column, header in zip(columns, wanted, strict=True):
        candidates = _candidates(column, header, is_clash=uses[_folded(header)] > 1)
        header = next(one for one in candidates if _folded(one) not in taken)
        taken.add(_folded(header))
        found.append(replace(column, header=header))
    return found


def _header(column: ReportColumn, headers: Headers) -> str:
    if column.assessment_id is None:
        return column.label
    name = " ".join((column.assessment_name or "").split())
    what = column.label.removeprefix(f"{column.assessment_id} - ")
    if headers is Headers.BOTH:
        return f"{name} [{column.assessment_id}] - {what}" if name else column.label
    numbered = f"Assessment {column.assessment_ordinal}: {name or column.assessment_id}"
    return numbered if column.kind == "score" else f"{numbered} - {what}"


def _candidates(column: ReportColumn, header: str, *, is_clash: bool) -> Iterator[str]:
    if not is_clash:
        yield header
    if column.assessment_id is not None:
        yield f"{header} [{column.assessment_id}]"
    yield from (f"{column.label}{number}" for number in chain([""], map(" ({})".format, count(2))))


def _folded(header: str) -> str:
    return unicodedata.normalize("NFC", header.casefold())
