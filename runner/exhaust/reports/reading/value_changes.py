"""What spreadsheet programs do to single values: how to see it, and what it is called."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping

from exhaust.project.sql import literal
from exhaust.reports.table import ReportColumn

IDS = ("course_id", "batch_id", "user_id", "school_id")
SCIENTIFIC = re.compile(r"-?[0-9]([.,][0-9]+)?[eE][+-]?[0-9]{1,3}")
"""How every spreadsheet program shows a large number; hexadecimal IDs are longer."""
DECIMAL = re.compile(r"[0-9]+[.,]0+")
SHORT_SCHOOL = re.compile(r"[1-9][0-9]{9}")
"""India's school IDs (UDISE) have eleven digits; the first is often a zero."""
DAMAGED_IDS = {
    "an ID that became a number in scientific notation": SCIENTIFIC,
    "an ID that became a number with decimals": DECIMAL,
}
FORMS = {
    "date": re.compile(r"(0[1-9]|[12][0-9]|3[01])/(0[1-9]|1[0-2])/[0-9]{4}"),
    "number": re.compile(r"[0-9]+"),
    "percent": re.compile(r"[0-9]+%"),
    "score": re.compile(r"[0-9]+%"),
    "count": re.compile(r"[0-9]+"),
    "decimal": re.compile(r"-?[0-9]+([.][0-9]{1,6})?"),
}
"""How the report writes a value that is not empty, by its kind in the header plan."""
WRONG_FORMS = {
    "date": "a date that is not written as dd/mm/yyyy",
    "number": "a progress that is not a whole number",
    "percent": "a score that is not a whole percentage",
    "score": "a score that is not a whole percentage",
    "count": "a number that is not a whole number",
    "decimal": "a number that is not written with a point and digits",
}
PRECISE_DIGITS = 14
"""The digits of a number that every spreadsheet program keeps; some round the fifteenth."""
LOSSES: Mapping[str, Callable[[str, str], bool]] = {
    "an ID that lost its leading zeros": lambda value, true: (
        value != "" and value == true.lstrip("0")
    ),
    "an ID that lost its last digits": lambda value, true: (
        len(value) == len(true.lstrip("0")) > PRECISE_DIGITS + 1
        and true.isdigit()
        and value[:PRECISE_DIGITS] == true.lstrip("0")[:PRECISE_DIGITS]
        and not value[PRECISE_DIGITS + 1 :].strip("0")
    ),
}
"""How an ID changes when a program takes it for a number."""
UNKNOWN_ID = "an ID that is not in the receipt"
PERHAPS_SHORT = "a school ID of ten digits, perhaps without its leading zero"
MISREAD = "a text that was read as Windows-1252 or Latin-1 instead of UTF-8"
GUESSES = (PERHAPS_SHORT, MISREAD)
"""What may also have arrived so."""
BYTE_OF = {
    ord(character): byte
    for byte in range(0x80, 0xA0)
    if (character := bytes([byte]).decode("cp1252", "ignore"))
}
"""The bytes that Windows-1252 shows as other characters than Latin-1."""
MISREAD_INDIC = re.compile("à[¤-·]")
"""How the UTF-8 of every Indic script looks; another byte of the character may be lost."""
PERHAPS_MISREAD = f"[\\x{{0}}-\\x{{FF}}{''.join(map(chr, BYTE_OF))}]*"
"""RE2: texts that consist of what single bytes are shown as."""


def wrong_values(column: ReportColumn, value: str) -> Iterator[tuple[str, str]]:
    """Yields what is wrong with a value of a column, given as SQL, and the condition for it."""
    if column.kind in FORMS:
        yield WRONG_FORMS[column.kind], wrong_form(column.kind, value)
    if column.id in IDS:
        for what, damaged in DAMAGED_IDS.items():
            yield what, f"regexp_full_match({value}, {literal(damaged.pattern, 'duckdb')})"
    if column.id == "school_id":
        yield (
            PERHAPS_SHORT,
            f"regexp_full_match({value}, {literal(SHORT_SCHOOL.pattern, 'duckdb')})",
        )


def wrong_form(kind: str, value: str) -> str:
    """Returns the condition, as SQL, that a value has not the form of its kind."""
    pattern = literal(FORMS[kind].pattern, "duckdb")
    return f"{value} <> '' and not regexp_full_match({value}, {pattern})"


def wrong_id(value: str, known: Collection[str]) -> str:
    """Returns what has happened to an ID that is not one of the known ones."""
    damaged = (what for what, pattern in DAMAGED_IDS.items() if pattern.fullmatch(value))
    lost = (what for what, is_it in LOSSES.items() if any(is_it(value, true) for true in known))
    return next(damaged, None) or next(lost, None) or UNKNOWN_ID


def true_id(value: str, known: Collection[str]) -> str | None:
    """Returns which of the known IDs a value was before a program took it for a number; None if
    that cannot be told."""
    is_number = any(pattern.fullmatch(value) for pattern in DAMAGED_IDS.values())
    possible = [
        true
        for true in known
        if is_number or any(is_lost(value, true) for is_lost in LOSSES.values())
    ]
    return possible[0] if len(possible) == 1 else None


def is_misread(value: str) -> bool:
    """Returns whether a value looks like UTF-8 that was read as Windows-1252 or Latin-1."""
    return original_text(value) is not None or bool(MISREAD_INDIC.search(value))


def perhaps_misread(value: str) -> str:
    """Returns the condition that texts have for which `is_misread` may hold, as SQL."""
    indic, of_bytes = (literal(text, "duckdb") for text in (MISREAD_INDIC.pattern, PERHAPS_MISREAD))
    return (
        f"strlen({value}) > length({value}) and (regexp_full_match({value}, {of_bytes}) "
        f"or regexp_matches({value}, {indic}))"
    )


def original_text(value: str) -> str | None:
    """Returns the text whose UTF-8, read as Windows-1252 or Latin-1, gives this value.

    None if there is no such text, if a byte of it is lost, or if it would be the same.
    """
    if value.isascii():
        return None
    try:
        return value.translate(BYTE_OF).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return None
