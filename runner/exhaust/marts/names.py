"""How people name a course or a batch: by ID, by its whole name, or by a part of it."""

import difflib
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar

from exhaust.errors import Ambiguous, NotFound
from exhaust.marts.entities import Batch, Course
from exhaust.text import visible

MAX_LISTED = 10
MAX_NEAREST = 5

Item = TypeVar("Item", Course, Batch)


def is_named(item: Course | Batch, text: str) -> bool:
    """Returns whether an item has the ID `text`, or a name that contains it in any case."""
    return item.id == text or comparable(text) in comparable(item.name)


def resolve_course(courses: Sequence[Course], text: str) -> Course:
    """Returns the one course of that ID or name.

    Raises Ambiguous if several match, NotFound if none does.
    """
    return _resolve(courses, text, ("course", "courses"), "`exhaust courses` lists them all.")


def resolve_batch(batches: Sequence[Batch], text: str) -> Batch:
    """Returns the one batch of a course of that ID or name; raises as `resolve_course` does."""
    return _resolve(batches, text, ("batch", "batches"), "`exhaust batches COURSE` lists them all.")


def _resolve(items: Sequence[Item], text: str, nouns: tuple[str, str], hint: str) -> Item:
    wanted = comparable(text)
    rules: tuple[Callable[[Item], bool], ...] = (
        lambda item: item.id == text,
        lambda item: comparable(item.name) == wanted,
        lambda item: wanted in comparable(item.name),
    )
    singular, plural = nouns
    for rule in rules:
        found = [item for item in items if rule(item)]
        if len(found) == 1:
            return found[0]
        if found:
            raise Ambiguous(
                f"{len(found):,} {plural} match `{visible(text)}`:\n{_listed(found)}",
                "Give the ID, or more of the name.",
            )
    searched = f"{len(items):,} {singular if len(items) == 1 else plural}"
    message = f"No {singular} matches `{visible(text)}` (searched {searched} by ID and name)."
    nearest = _nearest(items, wanted)
    if nearest:
        message += f" The nearest:\n{_listed(nearest)}"
    raise NotFound(message, hint)


def _nearest(items: Sequence[Item], wanted: str) -> list[Item]:
    keys = {key: item for item in items for key in (comparable(item.name), comparable(item.id))}
    nearest = difflib.get_close_matches(wanted, keys, 2 * MAX_NEAREST, cutoff=0)
    return list({keys[key].id: keys[key] for key in nearest}.values())[:MAX_NEAREST]


def _listed(items: Sequence[Course] | Sequence[Batch]) -> str:
    lines = [f"  {visible(item.id)}  {visible(item.name)}" for item in items[:MAX_LISTED]]
    if len(items) > MAX_LISTED:
        lines.append(f"  and {len(items) - MAX_LISTED:,} more")
    return "\n".join(lines)


def comparable(text: str) -> str:
    """Returns a text as names are compared: in Unicode NFC, ignoring case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
