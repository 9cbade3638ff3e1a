"""How people name a course or a batch: by ID, by its whole name, or by a part of it.

What is pasted is understood: blanks and invisible characters, an ID in another case, typographic
quotes, and the address of a page of the portal.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal, TypeVar
from urllib.parse import unquote

from exhaust.errors import Ambiguous, NotFound, UsageError
from exhaust.marts.entities import Batch, Course
from exhaust.text import visible

MAX_LISTED = 10
MAX_NEAREST = 5
MAX_COMPARABLE = 1 << 18
"""How many names and IDs are kept as they are compared: a server searches them again and again."""

# Leaves out the joiners (U+200C, U+200D), which Indic scripts need.
INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
PLAIN_QUOTES = {
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a\u201b\u02bc\u2032\u00b4`"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"), '"'),
}
ADDRESS = re.compile(r"(?:[a-z]+://|[\w.-]+\.[a-z]{2,}(?::\d+)?/)", re.IGNORECASE)
"""The start of the address of a page, with or without `https://`."""
COURSE_ID = re.compile(r"do_\w+", re.IGNORECASE)

PLURALS = {"course": "courses", "batch": "batches"}
HINTS = {
    "course": "`exhaust courses` lists them all.",
    "batch": "`exhaust batches COURSE` lists them all.",
}

Noun = Literal["course", "batch"]
Item = TypeVar("Item", Course, Batch)


def cleaned(text: str) -> str:
    """Returns a text without invisible characters, and with one space for blanks of any kind."""
    return " ".join(INVISIBLE.sub("", text).split())


def trimmed(text: str) -> str:
    """Returns a text without blanks and invisible characters at its ends."""
    seen = [index for index, character in enumerate(text) if cleaned(character)]
    return text[seen[0] : seen[-1] + 1] if seen else ""


@lru_cache(MAX_COMPARABLE)
def comparable(text: str) -> str:
    """Returns a text as names are compared: cleaned, with plain quotes, in Unicode NFC, ignoring
    case."""
    plain = unicodedata.normalize("NFC", cleaned(text)).translate(PLAIN_QUOTES)
    return unicodedata.normalize("NFC", plain.casefold())


def resolve_course(courses: Sequence[Course], text: str) -> Course:
    """Returns the one course of that ID or name.

    Raises Ambiguous if several match, NotFound if none does, UsageError for an empty text.
    """
    return _resolve(courses, text, "course")


def resolve_batch(batches: Sequence[Batch], text: str) -> Batch:
    """Returns the one batch of a course of that ID or name; raises as `resolve_course` does."""
    return _resolve(batches, text, "batch")


def named(items: Sequence[Item], text: str, noun: Noun) -> list[Item]:
    """Returns the items that have the ID `text`, or a name that contains it, in any case.

    An empty text is a part of every name.
    """
    wanted_id, wanted = comparable(_id_in(text, noun)), comparable(text)
    if not wanted:
        return list(items)
    return [
        item
        for item in items
        if item.id == text or comparable(item.id) == wanted_id or wanted in comparable(item.name)
    ]


def with_id(items: Sequence[Item], text: str, noun: Noun) -> list[Item]:
    """Returns the items of that ID: exactly, else cleaned, else in any case.

    So IDs that differ only in case or blanks can be told apart.
    """
    wanted = _id_in(text, noun)
    key = comparable(wanted)
    return (
        [item for item in items if item.id == text]
        or [item for item in items if item.id == wanted]
        or [item for item in items if comparable(item.id) == key]
    )


def describe_no_match(items: Sequence[Item], text: str, noun: Noun) -> str:
    """Says that none of the courses or batches matches a text, and names the nearest."""
    searched = f"{len(items):,} {noun if len(items) == 1 else PLURALS[noun]}"
    message = f"No {noun} matches `{visible(text)}` (searched {searched} by ID and name)."
    nearest = _nearest(items, comparable(_id_in(text, noun)))
    return f"{message} The nearest:\n{listed(nearest)}" if nearest else message


def listed(items: Sequence[Course] | Sequence[Batch]) -> str:
    """Returns a line for each item, with its ID and name; after the first ones, how many more."""
    lines = [f"  {visible(item.id)}  {visible(item.name)}" for item in items[:MAX_LISTED]]
    if len(items) > MAX_LISTED:
        lines.append(f"  and {len(items) - MAX_LISTED:,} more")
    return "\n".join(lines)


def _resolve(items: Sequence[Item], text: str, noun: Noun) -> Item:
    for found in _matches(items, text, noun):
        if len(found) == 1:
            return found[0]
        if found:
            raise Ambiguous(
                f"{len(found):,} {PLURALS[noun]} match `{visible(text)}`:\n{listed(found)}",
                "Give the ID, or more of the name.",
            )
    raise NotFound(describe_no_match(items, text, noun), HINTS[noun])


def _matches(items: Sequence[Item], text: str, noun: Noun) -> Iterator[list[Item]]:
    """Yields what each rule finds. Raises UsageError for an empty text that is not an ID."""
    yield with_id(items, text, noun)
    wanted = comparable(text)
    if not wanted:
        raise UsageError(f"An empty {noun} was given.", f"Give the ID or the name of a {noun}.")
    yield [item for item in items if comparable(item.name) == wanted]
    yield [item for item in items if wanted in comparable(item.name)]


def _nearest(items: Sequence[Item], wanted: str) -> list[Item]:
    keys = {key: item for item in items for key in (comparable(item.name), comparable(item.id))}
    nearest = difflib.get_close_matches(wanted, keys, 2 * MAX_NEAREST, cutoff=0)
    return list({keys[key].id: keys[key] for key in nearest}.values())[:MAX_NEAREST]


def _id_in(text: str, noun: Noun) -> str:
    """Returns the ID in the path of the address of a page; of any other text, the text cleaned."""
    text = cleaned(text)
    if not ADDRESS.match(text):
        return text
    path = [cleaned(unquote(segment)) for segment in re.split("[?#]", text)[0].split("/")]
    if noun == "course":
        return next((segment for segment in path if COURSE_ID.fullmatch(segment)), text)
    follows = dict(zip(map(str.lower, path), path[1:], strict=False))
    return follows.get("batch") or text
