"""What spreadsheet programs do to single values: how to see it, and what it is called."""

import re
from collections.abc import Callable, Collection, Mapping

from exhaust.reports.receipt_reader import ReadReceipt

IDS = ("collection id", "batch id", "user uuid", "school id")
DECIMAL = re.compile(r"[0-9]+[.,]0+")
SHORT_SCHOOL = re.compile(r"[1-9][0-9]{9}")
"""India's school IDs (UDISE) have eleven digits; the first is often a zero."""
SCIENTIFIC = re.compile(r"-?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
FORMS = {
    "date": re.compile(r"(0[1-9]|[12][0-9]|3[01])/(0[1-9]|1[0-2])/[0-9]{4}"),
    "number": re.compile(r"[0-9]+"),
    "percent": re.compile(r"[0-9]+%"),
    "score": re.compile(r"[0-9]+%"),
}
"""How the report writes a value that is not empty, by its kind in the header plan."""
WRONG_FORMS = {
    "date": "a date that is not written as dd/mm/yyyy",
    "number": "a progress that is not a whole number",
    "percent": "a score that is not a whole percentage",
    "score": "a score that is not a whole percentage",
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
MISREAD = "a text that was read as Windows-1252 or Latin-1 instead of UTF-8"
BYTE_OF = {
    ord(character): byte
    for byte in range(0x80, 0xA0)
    if (character := bytes([byte]).decode("cp1252", "ignore"))
}
"""The bytes that Windows-1252 shows as other characters than Latin-1."""
MISREAD_INDIC = re.compile("à[¤-·]")
"""How the UTF-8 of every Indic script looks; another byte of the character may be lost."""


def value_change(label: str, value: str, kind: str, receipt: ReadReceipt) -> str | None:
    """Returns how a value was changed, if that can be seen; `label` is in lower case."""
    if kind in FORMS and value and not FORMS[kind].fullmatch(value):
        return WRONG_FORMS[kind]
    known = receipt.ids.get(label)
    if known and value in known:
        return None
    if label in IDS and SCIENTIFIC.fullmatch(value):
        return "an ID that became a number in scientific notation"
    if label in IDS and DECIMAL.fullmatch(value):
        return "an ID that became a number with decimals"
    if label == "school id" and SHORT_SCHOOL.fullmatch(value):
        return "a school ID of ten digits, perhaps without its leading zero"
    if known is None:
        return None
    return next(
        (what for what, is_it in LOSSES.items() if any(is_it(value, true) for true in known)),
        "an ID that is not in the receipt",
    )


def true_id(value: str, known: Collection[str]) -> str | None:
    """Returns which of the known IDs a value was before a program took it for a number; None if
    that cannot be told."""
    if value in known:
        return value
    is_number = SCIENTIFIC.fullmatch(value) or DECIMAL.fullmatch(value)
    possible = [
        true
        for true in known
        if is_number or any(is_lost(value, true) for is_lost in LOSSES.values())
    ]
    return possible[0] if len(possible) == 1 else None


def is_misread(value: str) -> bool:
    """Returns whether a value looks like UTF-8 that was read as Windows-1252 or Latin-1."""
    return original_text(value) is not None or bool(MISREAD_INDIC.search(value))


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
