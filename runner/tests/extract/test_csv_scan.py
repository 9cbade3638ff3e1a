import dataclasses
import io
import random

import pytest

from exhaust.extract import csv_scan
from exhaust.extract.csv_scan import BACKSLASH, CQLSH, DOUBLED, Scan, most_common_escape, scan
from exhaust.extract.faults import Fault

NONE: frozenset[str] = frozenset()
BY_BACKSLASH = frozenset({BACKSLASH})
BY_DOUBLING = frozenset({DOUBLED})


def scan_text(text: str) -> Scan:
    return scan(io.BytesIO(text.encode()))


@pytest.mark.parametrize(
    ("line", "escape"),
    [
        (r'1,"{\"do_1\":2}"', BACKSLASH),
        (r'1,"\"a"', BACKSLASH),
        (r'"a\\\"b",1', BACKSLASH),
        ('1,"{""do_1"":2}"', DOUBLED),
        ('1,"""a"', DOUBLED),
        ('"a""",1', DOUBLED),
        ('1,"{""a"":""say \\""hi\\""""}"', DOUBLED),
        (r'1,"c:\dir, x"', DOUBLED),
        (r'1,"\dir, x"', DOUBLED),
        (r'1,"c:\\dir, x"', None),
        (r"1,c:\dir", None),
        ('1,""', None),
        ('"",""', None),
        (r'1,"5\", wide"', None),
        (r'1,"c:\"', None),
        (r'"say \"",1', None),
        ("1,2", None),
        ('"1","2, 3"', None),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_escape_follows_from_evidence_for_only_one(
    line: str, escape: str | None, line_end: str
) -> None:
    assert scan_text(f"a,b{line_end}{line}{line_end}3,4{line_end}").escape == escape
    assert scan_text(f"a,b{line_end}{line}").escape == escape


def test_a_file_with_only_a_header_proves_nothing() -> None:
    assert scan_text("a,b\n") == Scan(None, False, NONE, 1, NONE)


@pytest.mark.parametrize("line", [r'1,"5\", wide"', r'1,"c:\"', r'"say \"",1'])
def test_a_backslash_before_the_quote_at_the_end_of_a_field_is_ambiguous(line: str) -> None:
    assert scan_text(f"a,b\n{line}\n").is_ambiguous
    assert not scan_text(f'a,b\n{line}\n1,"a""b"\n').is_ambiguous
    assert not scan_text('a,b\n1,"2"\n').is_ambiguous


@pytest.mark.parametrize("size", range(1, 40))
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a,b\n1,"x\\"y"\n', Scan(BACKSLASH, False, NONE, 2, NONE)),
        ('a,b\n1,"x""y"\n', Scan(DOUBLED, False, NONE, 2, NONE)),
        ('a,b\n,""\n"",\n', Scan(None, False, NONE, 3, NONE)),
        ('a,b\n1,"x\\\\\\"y\\\\"\n', Scan(BACKSLASH, False, NONE, 2, NONE)),
        ('a,b\n1,"x\\"y"\n2,"z\n', Scan(BACKSLASH, False, BY_BACKSLASH, 3, BY_BACKSLASH)),
        ('a,b\n1,"x""y"\n2,"z\n', Scan(DOUBLED, False, BY_DOUBLING, 3, BY_DOUBLING)),
        ('a,b\n1,"x""y"\n2,"z\nz"\n3,4\n', Scan(DOUBLED, False, NONE, 5, BY_DOUBLING)),
        ('a,b\n1,"x\\"y"\n2,"\n\\\n"', Scan(BACKSLASH, False, NONE, 5, BY_BACKSLASH)),
        ('a,b\n1,"\\a"\n', Scan(DOUBLED, False, NONE, 2, BY_BACKSLASH)),
    ],
)
def test_evidence_across_chunk_boundaries_is_found(
    size: int, text: str, expected: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_scan, "CHUNK_BYTES", size)

    found = scan_text(text)

    assert found == dataclasses.replace(
        expected,
        has_backslash="\\" in text,
        is_proven="\\a" not in text,
        has_trailing_comma=",\n" in text,
    )


@pytest.mark.parametrize(
    "line",
    [
        '1,"2',
        '1,"2""',
        '1,a"b"\n2,"c',
        '"1,2',
        '1,"2\n3,"4"',
    ],
)
def test_an_unclosed_quote_is_found_next_to_a_stray_one(line: str) -> None:
    assert DOUBLED in scan_text(f'a,b\n0,"x""y"\n{line}\n').unclosed_escapes


@pytest.mark.parametrize(("text", "lines"), [("", 0), ("a", 1), ("a\n", 1), ("a\n\n1", 3)])
def test_lines_are_counted_with_or_without_a_final_line_break(text: str, lines: int) -> None:
    assert scan_text(text).lines == lines


def test_multiline_values_are_detected() -> None:
    assert scan_text('a,b\n1,"x\ny"\n').multiline_escapes == {BACKSLASH, DOUBLED}
    assert scan_text('a,b\n1,"x, y"\n2,"z"').multiline_escapes == set()


def test_a_nul_character_is_a_fault_of_its_line() -> None:
    with pytest.raises(Fault, match="NUL character") as raised:
        scan_text("a,b\n1,x\n2,x\0y\n")

    assert raised.value.line == 3


def test_a_line_that_is_too_long_stops_the_scan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(csv_scan, "CHUNK_BYTES", 10)
    monkeypatch.setattr(csv_scan, "MAX_RECORD_BYTES", 100)
    stream = io.BytesIO(b"a,b\n1,2\n" + b"x" * 1_000)

    with pytest.raises(Fault, match="the line is longer") as raised:
        scan(stream)

    assert raised.value.line == 3
    assert stream.tell() < 200


@pytest.mark.parametrize("text", ['1,"x', '1,"x""y"\n2,"', '1,"x\\"y"\n2,"'])
def test_a_quote_that_stays_open_too_long_stops_the_scan(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_scan, "CHUNK_BYTES", 10)
    monkeypatch.setattr(csv_scan, "MAX_RECORD_BYTES", 100)
    stream = io.BytesIO(f"a,b\n{text}\n".encode() + b"line\n" * 1_000)

    with pytest.raises(Fault, match="an opening quote is not closed") as raised:
        scan(stream)

    assert raised.value.line == text.count("\n") + 2
    assert stream.tell() < 300


def test_too_many_blank_lines_stop_the_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_scan, "CHUNK_BYTES", 10)
    monkeypatch.setattr(csv_scan, "MAX_BLANK_LINES", 100)
    stream = io.BytesIO(b"a,b\n1,2\n" + b"\r\n" * 1_000)

    with pytest.raises(Fault, match="blank lines"):
        scan(stream)

    assert stream.tell() < 300
    assert scan_text("a,b\n" + "\n" * 50 + "1,2\n").lines == 52


@pytest.mark.parametrize("seed", range(200))
def test_the_escape_of_either_writer_is_never_mistaken(seed: int) -> None:
    values = random.Random(seed)
    pieces = ['"', "\\", ",", "\n", "a", '{"x":1}', "c:\\d", "क", ""]
    rows = [["".join(values.choices(pieces, k=values.randrange(5))) for _ in "ab"] for _ in "1234"]
    for escape in (BACKSLASH, DOUBLED):
        escaped = [
            [
                value.replace("\\", "\\\\").replace('"', '\\"')
                if escape == BACKSLASH
                else value.replace('"', '""')
                for value in row
            ]
            for row in rows
        ]
        text = "a,b\n" + "".join(",".join(f'"{v}"' for v in row) + "\n" for row in escaped)

        found = scan_text(text)

        assert found.escape in (None, escape)
        assert escape not in found.unclosed_escapes


def test_the_most_common_escape_wins() -> None:
    def proves(escape: str | None) -> Scan:
        return Scan(escape, False, NONE, 1, NONE)

    assert (
        most_common_escape(map(proves, [None, DOUBLED, BACKSLASH, DOUBLED]), BACKSLASH) == DOUBLED
    )
    assert most_common_escape(map(proves, [None]), DOUBLED) == DOUBLED


@pytest.mark.parametrize(
    "line",
    [
        r"1,[{\"a\":1}]",
        r"\"a\",1",
        r'"x, \"y\"",5\" wide',
        r"1,\\\"a",
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_an_escaped_quote_outside_quotes_proves_cqlsh(line: str, line_end: str) -> None:
    assert scan_text(f"a,b{line_end}{line}{line_end}3,4{line_end}").escape == CQLSH


@pytest.mark.parametrize(
    "line",
    [
        r'1,"{\"a\":1}"',
        '1,"{\n \\"a\\":1\n}"',
        '1,"x\n\\"a\\" b\n\\"c\\"\n"',
        r'c:\,"{\"a\":1}"',
        r'a\\b,"x\"y, c:\\"',
    ],
)
@pytest.mark.parametrize("size", [3, 7, 1000])
def test_an_escaped_quote_inside_quotes_does_not_prove_cqlsh(
    line: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_scan, "CHUNK_BYTES", size)

    assert scan_text(f"a,b\n{line}\n3,4\n").escape == BACKSLASH


def test_literals_are_searched_only_with_cqlsh_line_ends() -> None:
    assert scan_text("a,b\r\n1,\"{'do_1': 1, 'do_2': 2}\"\r\n").has_literals
    assert scan_text("a,b\r\n1,['x']\r\n").has_literals
    assert not scan_text("a,b\r\n1,it's {'x'\r\n").has_literals
    assert not scan_text("a,b\n1,['x']\n").has_literals
