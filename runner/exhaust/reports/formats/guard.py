"""The formula guard: a text that a spreadsheet program could run gets a `'` before it."""

from exhaust.project.sql import literal

TRIGGERS = r"[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
"""Also the full-width forms, which some programs read as the plain ones."""

BLANKS = r"[\p{Z}\p{C}\x{034F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{2800}\x{3164}\x{FFA0}]"
"""All that shows nothing, or may: separators, controls, formats, fillers."""

RISKY = literal(f"^'*{BLANKS}*{TRIGGERS}", "duckdb")
"""Texts that already start with a `'` too, so that the guard can be undone."""

GUARDED = literal(f"^'+{BLANKS}*{TRIGGERS}", "duckdb")


def guarded(text: str) -> str:
    """Returns a text, given as DuckDB's SQL, with the guard."""
    return f"case when regexp_matches({text}, {RISKY}) then '''' || {text} else {text} end"


def unguarded(text: str) -> str:
    """Returns what a text, given as DuckDB's SQL, was before the guard."""
    return f"case when regexp_matches({text}, {GUARDED}) then substr({text}, 2) else {text} end"
