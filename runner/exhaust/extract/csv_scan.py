"""How a CSV file escapes the quotes inside its fields, told from its bytes.

`dsbulk unload` puts a backslash before a quote, and before a backslash, in a quoted field; other
tools double the quote (RFC 4180). What tells the two apart:

- `\\"` before anything but a quote, a comma or the end of a line: with doubled quotes, that quote
  would close its field, and something would follow;
- `""` after anything but a backslash, a comma or the end of a line: with backslashes, the first
  closes a field, and something follows;
- short of these, a single backslash before a letter in a quoted field: with backslashes, it would
  be two.

A `\\"` at the end of a field tells nothing: a field that ends in a backslash, or in the middle.

`cqlsh COPY TO` uses backslashes as well, in unquoted fields too: it does not quote a field because
it holds a quote. A `\\"` in an unquoted field is cqlsh's.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from exhaust.extract.faults import NUL_PROBLEM, Fault
from exhaust.extract.limits import MAX_BLANK_LINES, MAX_RECORD

BACKSLASH = "\\"
DOUBLED = '"'
CQLSH = "cqlsh"
"""What these are called where a file's escape is known: the two characters, and cqlsh's own way."""

CHUNK = 1 << 18
"""Bytes: few enough for the processor's cache."""
OVERLAP = 1 << 16
"""What is looked at twice: evidence shorter than this is not lost at the end of a chunk."""

PROOFS = {
    BACKSLASH: (b"\\", re.compile(rb'\\"[^,\r\n"]')),
    DOUBLED: (b'""', re.compile(rb'""(?<=[^\\,\r\n]"")')),
}
"""What each begins with, which is found faster, and the whole."""

SINGLE_BACKSLASH = re.compile(rb'"(?<=[,\n]")(?![",\r\n])[^"\\]*(?:\\\\[^"\\]*)*\\[^\\"]')

WHOLE_LINES = {
    BACKSLASH: (
        bytes(byte for byte in range(256) if byte not in b'"\\\n'),
        re.compile(rb'(?:(?:"(?:\\.)*+")*+\n)*+'),
    ),
    DOUBLED: (
        bytes(byte for byte in range(256) if byte not in b'"\n'),
        re.compile(rb'(?:(?:"")*+\n)*+'),
    ),
}
"""What says nothing of whether a line closes its quotes, and the form of the rest if all do."""

CLOSED = re.compile(rb'(?:[^"]*+"(?<=[,\n]")[^"]*+"(?=[,\r\n]))*+[^"]*+')
"""Text in which, once the escaped quotes are gone, all quotes stand at both ends of a value."""

QUOTED = re.compile(rb'"[^"\n]*+"')
ESCAPED = b"\0"
# By the line's end first, which is seldomer than a comma, and so found faster.
END_AFTER_COMMA = re.compile(rb"\n(?:(?<=,\n)|(?<=,\r\n))")
LOOKED_AT = 64 << 20
"""Bytes in which such a line is looked for: a writer that has one has many, and to look through a
large file takes a tenth of its load."""
LITERAL = re.compile(rb"[,\n\"][\[{]{1,2}'")
"""The beginning of a collection as CQL and Python write it."""


@dataclass(frozen=True)
class Scan:
    """What the bytes of a CSV file say."""

    escape: str | None
    """BACKSLASH, DOUBLED, CQLSH, or None if the file reads alike in several."""
    is_doubtful: bool
    """Whether there is a `\\"` that tells nothing: where the escape is not known, it matters."""
    unclosed: frozenset[str]
    """The escapes under which a quote may be one that nothing closes, or that opens nothing."""
    lines: int
    several_lines: frozenset[str]
    """The escapes under which a record may take more than a line."""
    is_proven: bool = True
    """Whether the escape is; it is not where a single backslash alone speaks for DOUBLED."""
    has_backslash: bool = False
    ends_in_cr: bool = False
    """Whether the first line ends in CR LF."""
    has_literals: bool = False
    """Whether a field seems to begin with a collection as CQL or Python writes it. It is looked
    for only in files whose lines end in CR LF."""
    has_end_after_comma: bool = False
    """Whether a line ends in a comma: then DuckDB may have passed by fields that are too many."""
    is_odd: bool = False
    """Whether it was packed in a way that DuckDB cannot unpack."""


def scan(stream: BinaryIO) -> Scan:
    """Reads a CSV file in chunks, to its end.

    Raises Fault, as early as it is seen, for a NUL character and for what is over the limits.
    """
    escape = None
    is_doubtful = has_single_backslash = has_backslash = ends_in_cr = has_literals = False
    quotes = [_Quotes(BACKSLASH), _Quotes(DOUBLED)]
    may_be_cqlsh = True
    has_end_after_comma = False
    looked_at = 0
    seen = b"\n"
    lines = 0
    for text, lines, number in checked_texts(stream):
        if not lines:
            ends_in_cr = text[: text.find(b"\n")].endswith(b"\r")
        has_backslash = has_backslash or b"\\" in text
        if looked_at < LOOKED_AT and not has_end_after_comma:
            has_end_after_comma = END_AFTER_COMMA.search(text) is not None
            looked_at += len(text)
        if ends_in_cr and not has_literals and b"'" in text:
            has_literals = LITERAL.search(text) is not None
        if escape is None and (b'"' in text or b'"' in seen):
            seen = seen[-OVERLAP:] + text
            escape = _proven(seen)
            if b"\\" in seen:
                is_doubtful = is_doubtful or b'\\"' in seen
                has_single_backslash = has_single_backslash or (
                    SINGLE_BACKSLASH.search(seen) is not None
                )
            if escape:
                quotes = [those for those in quotes if those.escape == escape]
        for those in quotes:
            those.read(text, lines)
        if all(those.is_too_long for those in quotes):
            raise quotes[0].fault
        if may_be_cqlsh and quotes[0].escape == BACKSLASH and not quotes[0].lines_are_whole:
            unquoted = outside_quotes(text)
            may_be_cqlsh = unquoted is not None
            if unquoted and ESCAPED in unquoted and escape == BACKSLASH:
                # What else there is to know is seen when the file is rewritten (cqlsh.py).
                return Scan(CQLSH, False, frozenset(), 0, frozenset(), True, True, ends_in_cr)
        lines += number
    is_proven = escape is not None or not has_single_backslash
    if not is_proven:
        escape = DOUBLED
    unclosed = frozenset(those.escape for those in quotes if not those.are_closed())
    return Scan(
        escape=escape,
        is_doubtful=escape is None and is_doubtful,
        unclosed=unclosed,
        lines=lines,
        several_lines=frozenset(those.escape for those in quotes if not those.lines_are_whole),
        is_proven=is_proven,
        has_backslash=has_backslash,
        ends_in_cr=ends_in_cr,
        has_literals=has_literals,
        has_end_after_comma=has_end_after_comma,
    )


def checked_texts(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """The bytes of a file, cut at the ends of lines; how many lines stand before, and in them.

    Raises Fault for a NUL character, a line that is too long, and too many blank lines.
    """
    cut: list[bytes] = []
    lines = size = blank = 0
    while chunk := stream.read(CHUNK):
        if (nul := chunk.find(b"\0")) >= 0:
            raise Fault(lines + chunk.count(b"\n", 0, nul) + 1, *NUL_PROBLEM)
        blank = 0 if chunk.strip(b"\r\n") else blank + chunk.count(b"\n")
        if blank > MAX_BLANK_LINES:
            raise Fault(
                lines - blank + chunk.count(b"\n") + 1,
                f"more than {MAX_BLANK_LINES:,} blank lines follow",
                "Is the file damaged? Unload the table again.",
            )
        end = chunk.rfind(b"\n") + 1
        if end:
            number = chunk.count(b"\n")
            yield b"".join([*cut, chunk[:end]]), lines, number
            lines += number
            cut = []
            size = 0
        cut.append(chunk[end:])
        size += len(chunk) - end
        if size > MAX_RECORD:
            raise Fault(
                lines + 1,
                f"this line is longer than {MAX_RECORD >> 20} MiB",
                "No field of Sunbird's is so long. Is the file damaged? Unload the table again.",
            )
    if size:
        yield b"".join([*cut, b"\n"]), lines, 1


class _Quotes:
    """Follows the quotes of a file, under one escape.

    Counts them line by line, which is fast, up to the first line that leaves one open.
    """

    def __init__(self, escape: str) -> None:
        self.escape = escape
        self.lines_are_whole = True
        self.is_too_long = False
        self._is_sound = True
        self._cut = b""
        """The end of the last chunk, where it may go on with what decides about it."""
        self._open = b"\n"
        """The quote of a value that has begun, if one has, after what stands before it."""
        self._open_size = 0
        """Bytes that the value has so far."""
        self._open_line = 1

    def read(self, text: bytes, lines: int) -> None:
        """Takes a text that ends with a line, and how many lines stand before it."""
        self.lines_are_whole = self.lines_are_whole and self._close(text)
        if not self.lines_are_whole and self._is_sound:
            text = self._cut + text
            end = len(text.rstrip(b'\\"'))
            self._cut = text[end:]
            self._follow(text[:end], lines)

    def are_closed(self) -> bool:
        if self._is_sound:
            self._follow(self._cut, 0)
        return self._is_sound and b'"' not in self._open

    @property
    def fault(self) -> Fault:
        """What is wrong where a value is too long."""
        return Fault(
            self._open_line,
            f"a quote is opened that nothing closes within {MAX_RECORD >> 20} MiB",
            "Is the file damaged? Correct the line, or unload the table again.",
        )

    def _close(self, lines: bytes) -> bool:
        """Whether each of these lines closes the quotes that it opens."""
        if b'"' not in lines:
            return True
        others, closed = WHOLE_LINES[self.escape]
        return closed.fullmatch(lines.translate(None, others)) is not None

    def _follow(self, text: bytes, lines: int) -> None:
        if self.escape == DOUBLED:
            text = text.replace(b'""', b"")
        elif b"\\" in text:
            text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
        before = len(self._open)
        text = self._open + text
        closed = CLOSED.match(text)
        end = closed.end() if closed else 0
        # One quote left is a value that goes on in the next chunk.
        self._is_sound = text.count(b'"', end) < 2
        if end >= before:
            self._open_line = lines + 1 + text.count(b"\n", before, end)
            self._open_size = 0
        self._open_size += len(text) - end
        self._open = text[max(end - 1, 0) : end + 1]
        self.is_too_long = self._is_sound and self._open_size > MAX_RECORD


def usual(scans: Iterable[Scan], default: str) -> str:
    """The escape that most of the files have that show one."""
    shown = Counter(scan.escape for scan in scans if scan.escape)
    return shown.most_common(1)[0][0] if shown else default


def _proven(text: bytes) -> str | None:
    """The escape that the first proof in a text speaks for."""
    places = {
        escape: found.start()
        for escape, (beginning, proof) in PROOFS.items()
        if beginning in text and (found := proof.search(text))
    }
    return min(places, key=places.__getitem__, default=None)


def outside_quotes(lines: bytes) -> bytes | None:
    """What is not quoted in lines of cqlsh's, with ESCAPED for each escaped quote.

    None where a line does not close its quotes: cqlsh writes no such line.
    """
    marked = lines.replace(b"\\\\", b"").replace(b'\\"', ESCAPED)
    unquoted = QUOTED.sub(b"", marked)
    return None if b'"' in unquoted else unquoted
