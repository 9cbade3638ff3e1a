"""The sheet Summary: how far the learners are, by district, and how the assessments went."""

from collections.abc import Sequence

from exhaust.reports.formats.xlsx.page import Page, Value
from exhaust.reports.table import ReportColumn, Rows, as_kept
from exhaust.text import counted

STEPS = {
    "Started": ("status", "Status", "{} <> 'Not started'"),
    "Completed": ("completed_on", "Completion Date", "{} is not null"),
    "Certified": ("certificate_status", "Certificate Status", "{} is not null"),
}
"""The funnel below Enrolled: which column tells it, by ID and label, and the condition in SQL."""

CHARTED = ("Enrolled", "Completed")
"""The steps that the chart of the districts shows."""

MAX_DISTRICTS = 1_000
"""With a line of their own: learners declare districts, so there could be as many of them."""

CHART_ROWS = 20
"""A chart shows the first rows of its table."""


def write_summary(page: Page, rows: Rows) -> None:
    """Writes the sheet. What the columns do not tell is left out, and the sheet says so."""
    counts = {"Enrolled": "count(*)"}
    page.title("Summary")
    for step, (column_id, label, condition) in STEPS.items():
        if column := rows.named(column_id):
            counts[step] = f"count(*) filter (where {condition.format(as_kept(column.name))})"
        else:
            page.line(f"{step} is not shown: the report was made without {label}.")
    totals = _write_funnel(page, rows, counts)
    scores = [column for column in (*rows.columns, *rows.others) if column.kind == "score"]
    if scores and rows.rows:
        _write_assessments(page, rows, scores)
    state, district = rows.named("state"), rows.named("district")
    if state and district:
        _write_districts(page, rows, counts, totals, [state.name, district.name])
    else:
        page.line("Districts are not shown: the report was made without State or District.")


def _write_funnel(page: Page, rows: Rows, counts: dict[str, str]) -> Sequence[int]:
    """Writes how many learners got how far, and returns these numbers."""
    (found,) = rows.duck.execute(
        f"select {', '.join(counts.values())} from {rows.relation}"
    ).fetchall()
    lines = [
        (step, "", count, count / rows.rows if rows.rows else 0.0)
        for step, count in zip(counts, found, strict=True)
    ]
    table = page.table(("Learners", "", "Number", "Share"), lines)
    page.chart("Learners", table, 0, 0, [2])
    return [int(count) for count in found]


def _write_assessments(page: Page, rows: Rows, scores: Sequence[ReportColumn]) -> None:
    # Unpivoted, because the engine is slow with aggregates of thousands of columns.
    names = ", ".join(score.name for score in scores)
    found = rows.duck.execute(
        "with scores as (select name, cast(replace(value, '%', '') as hugeint) as score "
        f"from (from {rows.relation} unpivot include nulls (value for name in ({names})))) "
        "select name, count(score), sum(score), count(*) filter (where score = 0), "
        "count(*) filter (where score >= 100) from scores group by name"
    ).fetchall()
    numbers = {name: counts for name, *counts in found}
    lines: list[Sequence[Value]] = []
    for column in scores:
        attempted, total, zero, full = numbers[column.name]
        mean = int(total) / attempted / 100 if attempted else ""
        name, assessment_id = column.assessment_name or "", column.assessment_id or column.id
        lines.append((name, assessment_id, attempted, mean, zero, full))
    table = page.table(
        ("Assessment", "Assessment ID", "Attempted", "Mean", "0%", "100% or more"), lines
    )
    # Names are shown in the chart only if each assessment has one.
    shown = 0 if all(name for name, *_ in lines) else 1
    page.chart(_first("Mean score", table), table[:CHART_ROWS], shown, shown, [3])


def _write_districts(
    page: Page, rows: Rows, counts: dict[str, str], totals: Sequence[int], names: Sequence[str]
) -> None:
    state, district = (f"coalesce({as_kept(name)}, '(blank)')" for name in names)
    found = rows.duck.execute(
        f"select {state} as state, {district} as district, {', '.join(counts.values())}, "
        f"count(*) over () from {rows.relation} group by state, district "
        f"order by count(*) desc, state, district limit {MAX_DISTRICTS}"
    ).fetchall()
    lines = [line[:-1] for line in found]
    if found and (others := found[0][-1] - len(found)):
        listed = [sum(numbers) for numbers in list(zip(*lines, strict=True))[2:]]
        rest = [total - number for total, number in zip(totals, listed, strict=True)]
        lines.append((f"{counted(others, 'other district')}", "", *rest))
    table = page.table(("State", "District", *counts), lines)
    if table:
        shown = [column for column, step in enumerate(counts, 2) if step in CHARTED]
        page.chart(_first("Learners by district", table), table[:CHART_ROWS], 0, 1, shown)


def _first(title: str, table: range) -> str:
    return title if len(table) <= CHART_ROWS else f"{title}, the first {CHART_ROWS} rows"
