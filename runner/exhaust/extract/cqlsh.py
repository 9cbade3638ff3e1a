"""What `cqlsh COPY TO` writes, turned into CSV that DuckDB reads, and its texts read back.

cqlsh shows a text before it writes it: a backslash becomes two, and a control character or U+00A0
its Python escape (`\\n`, `\\xa0`). Then Python's csv module puts a backslash before each quote, and
from Python 3.10 on before each backslash too. So in the file stand

| in the text         | before Python 3.10 | from 3.10 on |
| ------------------- | ------------------ | ------------ |
| a quote             | `\\"`               | `\\"`         |
| a backslash         | two                | four         |
| a line break        | `\\n`               | `\\\\n`        |

in quoted and in unquoted fields. A copy of the file with MARKS in place of pairs of backslashes and
of escaped quotes has no quotes but those around fields, and is what DuckDB reads.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial, reduce
from typing import BinaryIO

from exhaust.extract.csv_scan import DOUBLED, END_AFTER_COMMA, WHOLE_LINES, checked_texts
from exhaust.extract.faults import Fault
from exhaust.project import sql

PAIR = "\x01"
QUOTE = "\x02"
BOTH = "\x03"
"""Marks, as cqlsh writes no control characters. BOTH stands for two pairs while texts are read."""
MARKS = (b"\x01", b"\x02", b"\x03")

FOUR = b"\0"
"""Stands for two pairs while a file is rewritten."""
OLDER = re.compile(rb"\x01[^ntrx]|\\[ntrx]")
"""What only a Python before 3.10 leaves: a pair, or a backslash, that does not belong to four."""
NEWER = re.compile(rb"\x01x[0-9a-f]{2}")
"""What only a later one does: no text of Sunbird's holds the four characters `\xa0`."""
ESCAPE = re.compile(rb"\\(?:[ntr]|x[0-9a-f]{2})?")

literal = partial(sql.literal, engine="duckdb")


@dataclass(frozen=True)
class Rewritten:
    """What a file showed while it was rewritten."""

    lines: int
    has_whole_lines: bool
    """Whether each line is a record. cqlsh writes no other."""
    has_end_after_comma: bool
    """As in a Scan."""
    is_older: bool
    is_newer: bool
    """Whether something in it is written so only by a Python before 3.10, or by a later one."""


def rewrite(stream: BinaryIO, to: BinaryIO) -> Rewritten:
    """Copies a file with marks. Raises Fault for a backslash that cqlsh would not write."""
    total = 0
    is_whole = True
    has_end_after_comma = False
    is_older = is_newer = False
    for text, lines, number in checked_texts(stream):
        if (place := _mark(text)) >= 0:
            raise _fault(text, place, lines, "there is a control character, which cqlsh escapes")
        if b"\\" in text:
            text = text.replace(b"\\" * 4, FOUR).replace(b"\\\\", PAIR.encode())
            text = text.replace(b'\\"', QUOTE.encode())
            if odd := _odd_escape(text):
                raise _fault(
                    text, odd.start(), lines, "a backslash stands before what cqlsh leaves alone"
                )
            if PAIR.encode() in text or b"\\" in text:
                is_older = is_older or OLDER.search(text) is not None
                is_newer = is_newer or NEWER.search(text) is not None
            is_newer = is_newer or FOUR in text
            text = text.replace(FOUR, PAIR.encode() * 2)
        has_end_after_comma = has_end_after_comma or END_AFTER_COMMA.search(text) is not None
        is_whole = is_whole and _has_whole_lines(text)
        to.write(text)
        total = lines + number
    return Rewritten(total, is_whole, has_end_after_comma, is_older, is_newer)


def fits(stream: BinaryIO) -> bool:
    """Whether cqlsh may have written a file, by its backslashes and quotes, all of them."""
    for text, _, _ in checked_texts(stream):
        if _mark(text) >= 0:
            return False
        rest = text.replace(b"\\\\", b"").replace(b'\\"', b"")
        if not _has_whole_lines(rest) or _odd_escape(rest):
            return False
    return True


def _mark(text: bytes) -> int:
    """Where a mark stands; -1 if none does."""
    return max(text.find(mark) for mark in MARKS)


def _odd_escape(text: bytes) -> re.Match[bytes] | None:
    escapes = ESCAPE.finditer(text) if b"\\" in text else ()
    return next((found for found in escapes if len(found[0]) == 1), None)


def _fault(text: bytes, place: int, lines: int, problem: str) -> Fault:
    line = lines + text.count(b"\n", 0, place) + 1
    return Fault(line, problem, "Is the file damaged? Unload the table again.")


def _has_whole_lines(text: bytes) -> bool:
    others, closed = WHOLE_LINES[DOUBLED]
    return b'"' not in text or closed.fullmatch(text.translate(None, others)) is not None


def once_unescaped(text: str) -> str:
    """SQL of a text as a Python before 3.10 wrote it, from SQL of a field of the copy."""
    shown = _control_characters("\\", text)
    return _where_marked(text, _replaced(shown, [(QUOTE, '"'), (PAIR, "\\")]))


def twice_unescaped(text: str) -> str:
    """SQL of a text as a later Python wrote it, from SQL of a field of the copy."""
    pairs = _replaced(text, [(PAIR + PAIR, BOTH)])
    shown = _control_characters(PAIR, pairs)
    return _where_marked(text, _replaced(shown, [(QUOTE, '"'), (BOTH, "\\"), (PAIR, "\\")]))


def unescaped_again(text: str) -> str:
    """SQL of a text that was unescaped once, where it had been escaped twice."""
    pairs = _replaced(text, [("\\\\", BOTH)])
    return _replaced(_control_characters("\\", pairs), [(BOTH, "\\")])


def _control_characters(escape: str, text: str) -> str:
    """The characters that Python shows as `\\n`, or as two digits after `\\x`."""
    text = _replaced(text, [(f"{escape}n", "\n"), (f"{escape}t", "\t"), (f"{escape}r", "\r")])
    by_number = _char(f"{escape}x")
    parts = (
        f"list_transform(string_split({text}, {by_number}), lambda part, place: case "
        f"when place = 1 then part when regexp_matches(part, '^([01][0-9a-f]|7f|[89][0-9a-f]|a0)') "
        f"then chr(cast('0x' || part[:2] as integer)) || part[3:] else {by_number} || part end)"
    )
    return (
        f"case when contains({text}, {by_number}) then array_to_string({parts}, '') else {text} end"
    )


def _replaced(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    return reduce(
        lambda inner, pair: f"replace({inner}, {_char(pair[0])}, {_char(pair[1])})", pairs, text
    )


def _where_marked(text: str, then: str) -> str:
    """Most fields hold no backslash: they stay as they are, at the price of three looks."""
    looks = " or ".join(f"contains({text}, {_char(mark)})" for mark in (PAIR, QUOTE, "\\"))
    return f"case when {looks} then {then} else {text} end"


def _char(text: str) -> str:
    """A text as SQL, control characters by their numbers."""
    parts = [
        f"chr({ord(part)})" if ord(part[0]) < 32 else literal(part)
        for part in re.findall(r"[\x00-\x1f]|[^\x00-\x1f]+", text)
    ]
    return "(" + " || ".join(parts) + ")" if len(parts) > 1 else parts[0]
