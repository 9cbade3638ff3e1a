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
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

BACKSLASH = "\\"
DOUBLED = '"'

LONGEST_RECORD = 64 << 20
"""Bytes. A course's hierarchy is one record."""

CHUNK = 1 << 18
"""Bytes: few enough for the processor's cache."""
OVERLAP = 1 << 16
"""What is looked at twice: evidence shorter than this is not lost at the end of a chunk."""

PROOFS = {
    BACKSLASH: (b'\\"', re.compile(rb'\\"[^,\r\n"]')),
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


@dataclass(frozen=True)
class Scan:
    """What the bytes of a CSV file say."""

    escape: str | None
    """BACKSLASH, DOUBLED, or None if the file reads alike in both, or may be either."""
    is_doubtful: bool
    """Whether there is a `\\"` that tells nothing: where the escape is not known, it matters."""
    unclosed: frozenset[str]
    """The escapes under which a quote may be one that nothing closes, or that opens nothing."""
    has_nul: bool
    lines: int
    several_lines: frozenset[str]
    """The escapes under which a record may take more than a line."""


def scan(stream: BinaryIO) -> Scan:
    """Reads a CSV file to its end, in chunks."""
    escape = None
    is_doubtful = has_single_backslash = has_nul = False
    quotes = [_Quotes(BACKSLASH), _Quotes(DOUBLED)]
    seen = b""
    lines = 0
    for text in _texts(stream):
        has_nul = has_nul or b"\0" in text
        lines += text.count(b"\n")
        if escape is None:
            seen = seen[-OVERLAP:] + text
            if b'"' in seen:
                escape = _proven(seen)
                is_doubtful = is_doubtful or b'\\"' in seen
                has_single_backslash = has_single_backslash or (
                    b"\\" in seen and SINGLE_BACKSLASH.search(seen) is not None
                )
            if escape:
                quotes = [those for those in quotes if those.escape == escape]
        for those in quotes:
            those.read(text)
    if escape is None and has_single_backslash:
        escape = DOUBLED
    unclosed = frozenset(those.escape for those in quotes if not those.are_closed())
    return Scan(
        escape=escape,
        is_doubtful=escape is None and is_doubtful,
        unclosed=unclosed,
        has_nul=has_nul,
        lines=lines,
        several_lines=frozenset(those.escape for those in quotes if not those.lines_are_whole),
    )


def _texts(stream: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file, cut at the ends of lines where they are not too far apart."""
    cut = b""
    while chunk := stream.read(CHUNK):
        end = chunk.rfind(b"\n") + 1
        if end:
            yield cut + chunk[:end]
            cut = chunk[end:]
        else:
            cut += chunk
        if len(cut) > LONGEST_RECORD:
            yield cut
            cut = b""
    if cut:
        yield cut + b"\n"


class _Quotes:
    """Follows the quotes of a file, under one escape.

    Counts them line by line, which is fast, up to the first line that leaves one open.
    """

    def __init__(self, escape: str) -> None:
        self.escape = escape
        self.lines_are_whole = True
        self._is_sound = True
        self._cut = b""
        """The end of the last chunk, where it may go on with what decides about it."""
        self._open = b"\n"
        """A value that has begun, and what stands before it."""

    def read(self, text: bytes) -> None:
        """Takes a text that ends with a line, unless that is longer than a record may be."""
        self.lines_are_whole = self.lines_are_whole and self._close(text)
        if not self.lines_are_whole and self._is_sound:
            text = self._cut + text
            end = len(text.rstrip(b'\\"'))
            self._cut = text[end:]
            self._follow(text[:end])

    def are_closed(self) -> bool:
        if self._is_sound:
            self._follow(self._cut)
        return self._is_sound and b'"' not in self._open

    def _close(self, lines: bytes) -> bool:
        """Whether each of these lines closes the quotes that it opens."""
        if b'"' not in lines:
            return True
        others, closed = WHOLE_LINES[self.escape]
        return closed.fullmatch(lines.translate(None, others)) is not None

    def _follow(self, text: bytes) -> None:
        if self.escape == DOUBLED:
            text = text.replace(b'""', b"")
        elif b"\\" in text:
            text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
        text = self._open + text
        closed = CLOSED.match(text)
        end = closed.end() if closed else 0
        # One quote left is a value that goes on in the next chunk.
        self._is_sound = text.count(b'"', end) < 2 and len(text) - end < LONGEST_RECORD
        self._open = text[max(end - 1, 0) :]


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
