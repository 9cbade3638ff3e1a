"""Detects from the bytes of a CSV file how it escapes quotes inside fields.

`dsbulk unload` puts a backslash before each quote and each backslash in a quoted field. Other tools
double the quote (RFC 4180). Evidence for one or the other:

- `\\"` before anything but a quote, a comma or a line end: if quotes were doubled, this quote would
  close its field, and more text would follow;
- `""` after anything but a backslash, a comma or a line end: with backslash escapes, the first
  quote would close a field, and more text would follow;
- if there is neither, a single backslash before a letter in a quoted field: with backslash escapes,
  it would be doubled.

A `\\"` at the end of a field proves nothing: the field may end in a backslash, or go on.

`cqlsh COPY TO` uses backslashes even in unquoted fields, because a quote in a field is no reason
for it to quote the field. So a `\\"` in an unquoted field proves cqlsh.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from exhaust.extract.faults import DAMAGED_HINT, NUL_PROBLEM, Fault
from exhaust.extract.limits import MAX_BLANK_LINES, MAX_RECORD_BYTES

BACKSLASH = "\\"
DOUBLED = '"'
CQLSH = "cqlsh"
"""The possible values of `escape`: either escape character, or cqlsh's own rules."""

CHUNK_BYTES = 1 << 18
"""How much is read at a time: little enough to stay in the processor cache."""
OVERLAP_BYTES = 1 << 16
"""How much of the last chunk is searched again, so that evidence across two chunks is found."""

PROOFS = {
    BACKSLASH: (b"\\", re.compile(rb'\\"[^,\r\n"]')),
    DOUBLED: (b'""', re.compile(rb'""(?<=[^\\,\r\n]"")')),
}
"""For each escape, bytes that are fast to find and begin every proof, and the full pattern."""

SINGLE_BACKSLASH = re.compile(rb'"(?<=[,\n]")(?![",\r\n])[^"\\]*(?:\\\\[^"\\]*)*\\[^\\"]')

CLOSED_LINES = {
    BACKSLASH: (
        bytes(byte for byte in range(256) if byte not in b'"\\\n'),
        re.compile(rb'(?:(?:"(?:\\.)*+")*+\n)*+'),
    ),
    DOUBLED: (
        bytes(byte for byte in range(256) if byte not in b'"\n'),
        re.compile(rb'(?:(?:"")*+\n)*+'),
    ),
}
"""For each escape, the bytes that have no effect on whether a line closes its quotes, and the
pattern that the other bytes match if every line does."""

CLOSED = re.compile(rb'(?:[^"]*+"(?<=[,\n]")[^"]*+"(?=[,\r\n]))*+[^"]*+')
"""Matches text without escaped quotes in which every quote is at the start or end of a field."""

QUOTED = re.compile(rb'"[^"\n]*+"')
ESCAPED_QUOTE = b"\0"
# Line ends are rarer than commas, so a search for a line end that follows a comma is faster.
TRAILING_COMMA = re.compile(rb"\n(?:(?<=,\n)|(?<=,\r\n))")
TRAILING_COMMA_SEARCH_BYTES = 64 << 20
"""How much of a file is searched for a trailing comma. A tool that writes one writes many, and a
search through a whole large file would take a tenth of its load time."""
COLLECTION_LITERAL = re.compile(rb"[,\n\"][\[{]{1,2}'")
"""How CQL and Python begin a collection."""


@dataclass(frozen=True)
class Scan:
    """What the bytes of a CSV file reveal."""

    escape: str | None
    """BACKSLASH, DOUBLED or CQLSH; None if the file reads the same with several."""
    is_ambiguous: bool
    """Whether there is a `\\"` that proves nothing. It matters if `escape` is None."""
    unclosed_escapes: frozenset[str]
    """The escapes with which a quote may be unclosed or misplaced."""
    lines: int
    multiline_escapes: frozenset[str]
    """The escapes with which a record may span several lines."""
    is_proven: bool = True
    """Whether the escape is certain. A single backslash only suggests DOUBLED."""
    has_backslash: bool = False
    ends_in_cr: bool = False
    """Whether the first line ends in CR LF."""
    has_literals: bool = False
    """Whether a field may begin with a collection as CQL or Python writes it.

    Only files with CR LF line ends are searched for it.
    """
    has_trailing_comma: bool = False
    """Whether a line ends in a comma. DuckDB may then have ignored extra fields."""
    needs_decompression: bool = False
    """Whether the file is compressed in a way that DuckDB cannot read."""


def scan(stream: BinaryIO) -> Scan:
    """Reads a CSV file to its end, in chunks.

    Raises Fault, as early as possible, for a NUL character and for anything over the limits.
    """
    escape = None
    is_ambiguous = has_single_backslash = has_backslash = ends_in_cr = has_literals = False
    trackers = [_QuoteTracker(BACKSLASH), _QuoteTracker(DOUBLED)]
    may_be_cqlsh = True
    has_trailing_comma = False
    searched = 0
    recent = b"\n"
    lines = 0
    for text, lines, count in line_chunks(stream):
        if not lines:
            ends_in_cr = text[: text.find(b"\n")].endswith(b"\r")
        has_backslash = has_backslash or b"\\" in text
        if searched < TRAILING_COMMA_SEARCH_BYTES and not has_trailing_comma:
            has_trailing_comma = TRAILING_COMMA.search(text) is not None
            searched += len(text)
        if ends_in_cr and not has_literals and b"'" in text:
            has_literals = COLLECTION_LITERAL.search(text) is not None
        if escape is None and (b'"' in text or b'"' in recent):
            recent = recent[-OVERLAP_BYTES:] + text
            escape = _proven_escape(recent)
            if b"\\" in recent:
                is_ambiguous = is_ambiguous or b'\\"' in recent
                has_single_backslash = has_single_backslash or bool(SINGLE_BACKSLASH.search(recent))
            if escape:
                trackers = [tracker for tracker in trackers if tracker.escape == escape]
        for tracker in trackers:
            tracker.read(text, lines)
        if all(tracker.is_too_long for tracker in trackers):
            raise trackers[0].fault
        if may_be_cqlsh and trackers[0].escape == BACKSLASH and not trackers[0].lines_are_records:
            unquoted = outside_quotes(text)
            may_be_cqlsh = unquoted is not None
            if unquoted and ESCAPED_QUOTE in unquoted and escape == BACKSLASH:
                # cqlsh.rewrite learns the rest when it copies the file.
                return Scan(CQLSH, False, frozenset(), 0, frozenset(), True, True, ends_in_cr)
        lines += count
    is_proven = escape is not None or not has_single_backslash
    if not is_proven:
        escape = DOUBLED
    unclosed_escapes = frozenset(tracker.escape for tracker in trackers if not tracker.are_closed())
    return Scan(
        escape=escape,
        is_ambiguous=escape is None and is_ambiguous,
        unclosed_escapes=unclosed_escapes,
        lines=lines,
        multiline_escapes=frozenset(
            tracker.escape for tracker in trackers if not tracker.lines_are_records
        ),
        is_proven=is_proven,
        has_backslash=has_backslash,
        ends_in_cr=ends_in_cr,
        has_literals=has_literals,
        has_trailing_comma=has_trailing_comma,
    )


def line_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yields chunks of whole lines, each with the number of lines before it and in it.

    Raises Fault for a NUL character, a line that is too long, and too many blank lines.
    """
    pieces: list[bytes] = []
    lines = size = blank = 0
    while chunk := stream.read(CHUNK_BYTES):
        if (nul := chunk.find(b"\0")) >= 0:
            raise Fault(lines + chunk.count(b"\n", 0, nul) + 1, *NUL_PROBLEM)
        blank = 0 if chunk.strip(b"\r\n") else blank + chunk.count(b"\n")
        if blank > MAX_BLANK_LINES:
            raise Fault(
                lines - blank + chunk.count(b"\n") + 1,
                f"more than {MAX_BLANK_LINES:,} consecutive blank lines",
                DAMAGED_HINT,
            )
        end = chunk.rfind(b"\n") + 1
        if end:
            count = chunk.count(b"\n")
            yield b"".join([*pieces, chunk[:end]]), lines, count
            lines += count
            pieces = []
            size = 0
        pieces.append(chunk[end:])
        size += len(chunk) - end
        if size > MAX_RECORD_BYTES:
            raise Fault(
                lines + 1,
                f"the line is longer than {MAX_RECORD_BYTES >> 20} MiB",
                f"No Sunbird field is that long. {DAMAGED_HINT}",
            )
    if size:
        yield b"".join([*pieces, b"\n"]), lines, 1


class _QuoteTracker:
    """Tracks the quotes of a file for one escape.

    It checks line by line, which is fast, until a line leaves a quote open.
    """

    def __init__(self, escape: str) -> None:
        self.escape = escape
        self.lines_are_records = True
        self.is_too_long = False
        self._is_consistent = True
        self._undecided = b""
        """Trailing quotes and backslashes of the last chunk, whose meaning the next one decides."""
        self._open = b"\n"
        """The opening quote of an unfinished value, if any, and the character before it."""
        self._open_size = 0
        """Length of the unfinished value so far, in bytes."""
        self._open_line = 1

    def read(self, text: bytes, lines: int) -> None:
        """Reads a text of whole lines. `lines` is the number of lines before it."""
        self.lines_are_records = self.lines_are_records and self._closes_quotes(text)
        if not self.lines_are_records and self._is_consistent:
            text = self._undecided + text
            end = len(text.rstrip(b'\\"'))
            self._undecided = text[end:]
            self._track(text[:end], lines)

    def are_closed(self) -> bool:
        if self._is_consistent:
            self._track(self._undecided, 0)
        return self._is_consistent and b'"' not in self._open

    @property
    def fault(self) -> Fault:
        """The problem if a value is too long."""
        return Fault(
            self._open_line,
            f"an opening quote is not closed within {MAX_RECORD_BYTES >> 20} MiB",
            "The file may be damaged. Correct the line, or unload the table again.",
        )

    def _closes_quotes(self, lines: bytes) -> bool:
        """Whether each of these lines closes the quotes that it opens."""
        if b'"' not in lines:
            return True
        others, closed = CLOSED_LINES[self.escape]
        return closed.fullmatch(lines.translate(None, others)) is not None

    def _track(self, text: bytes, lines: int) -> None:
        if self.escape == DOUBLED:
            text = text.replace(b'""', b"")
        elif b"\\" in text:
            text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
        before = len(self._open)
        text = self._open + text
        closed = CLOSED.match(text)
        end = closed.end() if closed else 0
        # A single quote that is left over opens a value that continues in the next chunk.
        self._is_consistent = text.count(b'"', end) < 2
        if end >= before:
            self._open_line = lines + 1 + text.count(b"\n", before, end)
            self._open_size = 0
        self._open_size += len(text) - end
        self._open = text[max(end - 1, 0) : end + 1]
        self.is_too_long = self._is_consistent and self._open_size > MAX_RECORD_BYTES


def most_common_escape(scans: Iterable[Scan], default: str) -> str:
    """Returns the escape that most files with evidence use, else `default`."""
    shown = Counter(scan.escape for scan in scans if scan.escape)
    return shown.most_common(1)[0][0] if shown else default


def _proven_escape(text: bytes) -> str | None:
    """Returns the escape that the first proof in a text supports, or None."""
    offsets = {
        escape: found.start()
        for escape, (prefix, proof) in PROOFS.items()
        if prefix in text and (found := proof.search(text))
    }
    return min(offsets, key=offsets.__getitem__, default=None)


def outside_quotes(lines: bytes) -> bytes | None:
    """Returns the unquoted text of lines from cqlsh, with ESCAPED_QUOTE for each escaped quote.

    Returns None if a line does not close its quotes, because cqlsh writes no such line.
    """
    marked = lines.replace(b"\\\\", b"").replace(b'\\"', ESCAPED_QUOTE)
    unquoted = QUOTED.sub(b"", marked)
    return None if b'"' in unquoted else unquoted
