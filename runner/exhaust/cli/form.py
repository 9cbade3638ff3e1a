"""The options that make the form of a report."""

from collections.abc import Sequence

from exhaust.reports.form import Headers, ReportForm, SplitBy
from exhaust.reports.formats import Format
from exhaust.reports.layout import Layout


def form_of(
    *,
    layout: Layout,
    format: Format | None,
    headers: Headers | None,
    columns: Sequence[str] | None,
    additions: Sequence[str] | None,
    split_by: SplitBy | None,
    since: str | None,
    output: str | None = None,
) -> ReportForm:
    """Returns the form that options describe; the format is that of the output's ending if none
    was given."""
    named = Format.of_name(output) if output else None
    return ReportForm(
        layout=layout,
        format=format or named or Format.CSV,
        headers=headers,
        columns=tuple(columns or ()),
        additions=tuple(additions or ()),
        split_by=split_by,
        since=since,
    )
