"""Rewrites the output of `cqlsh COPY TO` as CSV that DuckDB reads, and unescapes its texts in SQL.

cqlsh escapes a text twice. First it doubles each backslash and writes each control character and
U+00A0 as a Python escape (`\\n`, `\\xa0`). Then Python's csv module puts a backslash before each
quote, and from Python 3.10 on before each backslash too. The file then contains:

| in the text         | before Python 3.10 | from 3.10 on |
| ------------------- | ------------------ | ------------ |
| a quote             | `\\"`               | `\\"`         |
| a backslash         | two                | four         |
| a line break        | `\\n`               | `\\\\n`        |

This holds for quoted and unquoted fields. DuckDB reads a copy of the file in which MARKS replace
pairs of backslashes and escaped quotes, so that the only quotes left are those around fields.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial, reduce
from typing import BinaryIO

from exhaust.extract.csv_scan import CLOSED_LINES, DOUBLED, TRAILING_COMMA, line_chunks
from exhaust.extract.faults import DAMAGED_HINT, Fault
from exhaust.project import sql

PAIR = "\x01"
"""A pair of backslashes. Marks are control characters because cqlsh writes none."""
QUOTE = "\x02"
"""An escaped quote."""
BOTH = "\x03"
"""Two pairs, while a text is unescaped."""
MARKS = (b"\x01", b"\x02", b"\x03")

FOUR = b"\0"
"""Replaces two pairs of backslashes while a file is rewritten."""
OLD_ESCAPES = re.compile(rb"\x01[^ntrx]|\\[ntrx]")
"""What only a Python before 3.10 writes: a pair or a backslash that is not part of four."""
NEW_ESCAPES = re.compile(rb"\x01x[0-9a-f]{2}")
"""What only Python 3.10 or later writes: no Sunbird text contains the four characters `\\xa0`."""
ESCAPE = re.compile(rb"\\(?:[ntr]|x[0-9a-f]{2})?")

literal = partial(sql.literal, engine="duckdb")


@dataclass(frozen=True)
class Rewritten:
    """What the rewriting of a file revealed."""

    lines: int
    lines_are_records: bool
    """Whether each line is a record. cqlsh writes no other lines."""
    has_trailing_comma: bool
    """See Scan."""
    has_old_escapes: bool
    """Whether it has escapes that only a Python before 3.10 writes."""
    has_new_escapes: bool
    """Whether it has escapes that only Python 3.10 or later writes."""


def rewrite(stream: BinaryIO, to: BinaryIO) -> Rewritten:
    """Copies a file with marks. Raises Fault for a backslash that cqlsh would not write."""
    total = 0
    lines_are_records = True
    has_trailing_comma = False
    has_old_escapes = has_new_escapes = False
    for text, lines, count in line_chunks(stream):
        if (offset := _mark_offset(text)) >= 0:
            raise _fault(
                text, offset, lines, "the line has a control character, which cqlsh escapes"
            )
        if b"\\" in text:
            text = text.replace(b"\\" * 4, FOUR).replace(b"\\\\", PAIR.encode())
            text = text.replace(b'\\"', QUOTE.encode())
            if bad := _bad_escape(text):
                raise _fault(
                    text,
                    bad.start(),
                    lines,
                    "a backslash precedes a character that cqlsh does not escape",
                )
            if PAIR.encode() in text or b"\\" in text:
                has_old_escapes = has_old_escapes or OLD_ESCAPES.search(text) is not None
                has_new_escapes = has_new_escapes or NEW_ESCAPES.search(text) is not None
            has_new_escapes = has_new_escapes or FOUR in text
            text = text.replace(FOUR, PAIR.encode() * 2)
        has_trailing_comma = has_trailing_comma or TRAILING_COMMA.search(text) is not None
        lines_are_records = lines_are_records and _are_records(text)
        to.write(text)
        total = lines + count
    return Rewritten(total, lines_are_records, has_trailing_comma, has_old_escapes, has_new_escapes)


def could_be_cqlsh(stream: BinaryIO) -> bool:
    """Whether cqlsh could have written a file, judged by all its backslashes and quotes."""
    for text, _, _ in line_chunks(stream):
        if _mark_offset(text) >= 0:
            return False
        rest = text.replace(b"\\\\", b"").replace(b'\\"', b"")
        if not _are_records(rest) or _bad_escape(rest):
            return False
    return True


def _mark_offset(text: bytes) -> int:
    """Returns the offset of a mark, or -1."""
    return max(text.find(mark) for mark in MARKS)


def _bad_escape(text: bytes) -> re.Match[bytes] | None:
    escapes = ESCAPE.finditer(text) if b"\\" in text else ()
    return next((found for found in escapes if len(found[0]) == 1), None)


def _fault(text: bytes, offset: int, lines: int, problem: str) -> Fault:
    line = lines + text.count(b"\n", 0, offset) + 1
    return Fault(line, problem, DAMAGED_HINT)


def _are_records(text: bytes) -> bool:
    others, closed = CLOSED_LINES[DOUBLED]
    return b'"' not in text or closed.fullmatch(text.translate(None, others)) is not None


def once_unescaped(text: str) -> str:
    """Returns SQL of a text written under a Python before 3.10, from SQL of a field of the copy."""
    shown = _control_characters("\\", text)
    return _if_escaped(text, _replaced(shown, [(QUOTE, '"'), (PAIR, "\\")]))


def twice_unescaped(text: str) -> str:
    """Returns SQL of a text written under Python 3.10 or later, from SQL of a field of the copy."""
    pairs = _replaced(text, [(PAIR + PAIR, BOTH)])
    shown = _control_characters(PAIR, pairs)
    return _if_escaped(text, _replaced(shown, [(QUOTE, '"'), (BOTH, "\\"), (PAIR, "\\")]))


def unescaped_again(text: str) -> str:
    """Returns SQL that unescapes a text once more, for texts that were escaped twice."""
    pairs = _replaced(text, [("\\\\", BOTH)])
    return _replaced(_control_characters("\\", pairs), [(BOTH, "\\")])


def _control_characters(escape: str, text: str) -> str:
    """Replaces escapes such as `\\n` and `\\x1f` with the characters that they represent."""
    text = _replaced(text, [(f"{escape}n", "\n"), (f"{escape}t", "\t"), (f"{escape}r", "\r")])
    hex_mark = _char(f"{escape}x")
    parts = (
        f"list_transform(string_split({text}, {hex_mark}), lambda part, position: case "
        f"when position = 1 then part "
        f"when regexp_matches(part, '^([01][0-9a-f]|7f|[89][0-9a-f]|a0)') "
        f"then chr(cast('0x' || part[:2] as integer)) || part[3:] else {hex_mark} || part end)"
    )
    joined = f"array_to_string({parts}, '')"
    return f"case when contains({text}, {hex_mark}) then {joined} else {text} end"


def _replaced(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    return reduce(
        lambda inner, pair: f"replace({inner}, {_char(pair[0])}, {_char(pair[1])})", pairs, text
    )


def _if_escaped(text: str, then: str) -> str:
    """Applies `then` only to texts with a mark or a backslash. Most texts have none."""
    checks = " or ".join(f"contains({text}, {_char(mark)})" for mark in (PAIR, QUOTE, "\\"))
    return f"case when {checks} then {then} else {text} end"


def _char(text: str) -> str:
    """Returns a text as SQL, with control characters as `chr(…)`."""
    parts = [
        f"chr({ord(part)})" if ord(part[0]) < 32 else literal(part)
        for part in re.findall(r"[\x00-\x1f]|[^\x00-\x1f]+", text)
    ]
    return "(" + " || ".join(parts) + ")" if len(parts) > 1 else parts[0]
