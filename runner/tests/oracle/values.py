"""Parses the texts of an extract: JSON, timestamps, numbers and booleans."""

import json
import re
import sys
from datetime import datetime, timedelta
from functools import cache
from typing import NoReturn, TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | bool | None"
"""A JSON value, with numbers as `Number`."""

MILLION = 10**6
"""Numbers have six decimal places, so they are counted in millionths."""

MAX_DEPTH = 1000


class Number(str):
    """A JSON number as written."""

    __slots__ = ()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse)
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_HARMLESS = re.compile(r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_UNREADABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def parsed(text: str | None) -> Json:
    """Returns the JSON value of a text by RFC 8259; the last value wins if a key is repeated.

    Returns None if the text is empty or unreadable, nested too deeply, or contains U+0000 or half
    of a surrogate pair.
    """
    if not text:
        return None
    if "\\u" in text and _UNREADABLE.search(_HARMLESS.sub(" ", text)):
        return None
    depth = _depth(text) if text.count("[") + text.count("{") > 100 else 0
    if depth > MAX_DEPTH:
        return None
    limit = sys.getrecursionlimit()
    try:
        if depth:
            sys.setrecursionlimit(limit + 2 * depth)
        value: Json = _DECODER.decode(text)
    except ValueError:
        return None
    finally:
        sys.setrecursionlimit(limit)
    return value


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in re.findall(r"[][{}]", _STRING.sub("", text)):
        depth += 1 if character in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def as_list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def as_object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def plain(value: Json) -> str | None:
    """Returns the text of a JSON text, number or boolean; None for anything else or empty text.

    A whole number of up to 18 digits keeps its digits. Any other number has at most six decimal
    places and must be below 10^12.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        if re.fullmatch(r"-?[0-9]{1,18}", value):
            return str(int(value))
        millionths = number(value)
        return None if millionths is None else decimal(millionths)
    return value or None if isinstance(value, str) else None


def decimal(millionths: int) -> str:
    """Returns a number in millionths as text, without an exponent or trailing zeros."""
    whole, places = divmod(abs(millionths), MILLION)
    sign = "-" if millionths < 0 else ""
    return f"{sign}{whole}.{places:06}".rstrip("0").rstrip(".")


def is_true(text: str | None) -> bool:
    return text is not None and text.lower() in ("1", "true", "t")


_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?)([0-9]+))?")


@cache
def number(text: str | None) -> int | None:
    """Returns a number in millionths, with halves rounded away from zero.

    Returns None if the text is not a number, or is not below 10^12.
    """
    match = _NUMBER.fullmatch(text or "")
    if not match:
        return None
    sign, whole, fraction, exponent_sign, exponent = (group or "" for group in match.groups())
    if not whole + fraction:
        return None
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return 0
    shift = int(exponent.lstrip("0")[:9] or "0") * (-1 if exponent_sign == "-" else 1)
    places_before_point = len(digits) - len(fraction) + shift
    if places_before_point > 12:
        return None
    digits_kept = places_before_point + 6
    if digits_kept < 0:
        return 0
    padded = digits.ljust(digits_kept + 1, "0")
    millionths = int(padded[:digits_kept] or "0") + (padded[digits_kept] >= "5")
    if millionths >= 10**12 * MILLION:
        return None
    return -millionths if sign == "-" else millionths


_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.:]([0-9]{1,9}))?"
    r"(?:Z|([+-])([0-9]{2})(?::?([0-5][0-9]))?)?)?"
)


@cache
def timestamp(text: str | None) -> datetime | None:
    """Returns the time in UTC, naive, with microseconds; None if the text is unreadable."""
    match = _TIMESTAMP.fullmatch(text or "")
    if not match:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    microsecond = int((fraction or "0").ljust(6, "0")[:6])
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        local = datetime(
            *(int(year), int(month), int(day)),
            *(int(hour or 0), int(minute or 0), int(second or 0)),
            microsecond,
        )
        return local + offset if sign == "-" else local - offset
    except (ValueError, OverflowError):
        return None
