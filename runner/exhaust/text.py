"""Text for people: safe to print, counted and ranked in words."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Self
from zoneinfo import ZoneInfo

# Includes what reverses the direction of text, and surrogates, which stand for the bytes of an
# argument that is not UTF-8. Leaves out the joiners (U+200C, U+200D), which Indic scripts need.
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: object) -> str:
    """Returns a value as one line that cannot control a terminal; None is empty."""
    return "" if text is None else UNSAFE.sub(_escaped, str(text))


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """`1 row`, `1,234 rows`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def local_minute(moment: datetime, zone: str) -> str:
    """Returns a time in UTC as the time of a zone, without the zone's name."""
    return f"{moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `11th`, `1,021st`."""
    is_teen = number // 10 % 10 == 1
    return f"{number:,}{'th' if is_teen else ENDINGS.get(number % 10, 'th')}"


ENDINGS = {1: "st", 2: "nd", 3: "rd"}


class Message(str):
    """A text for people that a page can translate: it knows its template and the values in it.

    `Message("{rows:,} rows", rows=1234)` is the text `1,234 rows`. A value that is a message is
    translated too.
    """

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, **values: object) -> Self:
        text = super().__new__(cls, template.format(**values))
        text.template, text.values = template, values
        return text
