"""CSV by RFC 4180, in UTF-8 with LF: the engine writes the rows, this module the header."""

from collections.abc import Sequence


def csv_line(values: Sequence[str]) -> bytes:
    """Returns a line of CSV; a value is quoted only if it has to be."""
    return (",".join(map(_field, values)) + "\n").encode()


def _field(text: str) -> str:
    if any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
