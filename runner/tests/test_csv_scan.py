import dataclasses
import io
import random

import pytest

from exhaust.extract import csv_scan
from exhaust.extract.csv_scan import BACKSLASH, CQLSH, DOUBLED, Scan, scan, usual
from exhaust.extract.faults import Fault

NONE: frozenset[str] = frozenset()
BY_BACKSLASH = frozenset({BACKSLASH})
BY_DOUBLING = frozenset({DOUBLED})


def told(text: str) -> Scan:
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
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_escape_is_told_from_what_only_one_of_the_two_can_hold(
    line: str, escape: str | None, end: str
) -> None:
    assert told(f"a,b{end}{line}{end}3,4{end}").escape == escape
    assert told(f"a,b{end}{line}").escape == escape


def test_a_header_alone_tells_nothing() -> None:
    assert told("a,b\n") == Scan(None, False, NONE, 1, NONE)


@pytest.mark.parametrize("line", [r'1,"5\", wide"', r'1,"c:\"', r'"say \"",1'])
def test_a_backslash_before_a_quote_that_ends_a_field_is_doubtful(line: str) -> None:
    assert told(f"a,b\n{line}\n").is_doubtful
    assert not told(f'a,b\n{line}\n1,"a""b"\n').is_doubtful
    assert not told('a,b\n1,"2"\n').is_doubtful


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
def test_evidence_across_the_ends_of_chunks_counts(
    size: int, text: str, expected: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_scan, "CHUNK", size)

    found = told(text)

    assert found == dataclasses.replace(
        expected,
        has_backslash="\\" in text,
        is_proven="\\a" not in text,
        has_end_after_comma=",\n" in text,
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
def test_a_quote_that_nothing_closes_is_seen_although_another_stands_alone(line: str) -> None:
    assert DOUBLED in told(f'a,b\n0,"x""y"\n{line}\n').unclosed


@pytest.mark.parametrize(("text", "lines"), [("", 0), ("a", 1), ("a\n", 1), ("a\n\n1", 3)])
def test_lines_are_counted_with_or_without_an_end_of_the_last(text: str, lines: int) -> None:
    assert told(text).lines == lines


def test_a_value_of_several_lines_is_seen() -> None:
    assert told('a,b\n1,"x\ny"\n').several_lines == {BACKSLASH, DOUBLED}
    assert told('a,b\n1,"x, y"\n2,"z"').several_lines == set()


def test_a_nul_is_a_fault_of_its_line() -> None:
    with pytest.raises(Fault, match="NUL character") as raised:
        told("a,b\n1,x\n2,x\0y\n")

    assert raised.value.line == 3


def test_a_line_that_is_too_long_is_a_fault_before_the_file_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(csv_scan, "CHUNK", 10)
    monkeypatch.setattr(csv_scan, "MAX_RECORD", 100)
    stream = io.BytesIO(b"a,b\n1,2\n" + b"x" * 1_000)

    with pytest.raises(Fault, match="this line is longer") as raised:
        scan(stream)

    assert raised.value.line == 3
    assert stream.tell() < 200


@pytest.mark.parametrize("text", ['1,"x', '1,"x""y"\n2,"', '1,"x\\"y"\n2,"'])
def test_a_quote_that_nothing_closes_for_too_long_is_a_fault_of_its_line(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_scan, "CHUNK", 10)
    monkeypatch.setattr(csv_scan, "MAX_RECORD", 100)
    stream = io.BytesIO(f"a,b\n{text}\n".encode() + b"line\n" * 1_000)

    with pytest.raises(Fault, match="a quote is opened that nothing closes") as raised:
        scan(stream)

    assert raised.value.line == text.count("\n") + 2
    assert stream.tell() < 300


def test_long_runs_of_blank_lines_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_scan, "CHUNK", 10)
    monkeypatch.setattr(csv_scan, "MAX_BLANK_LINES", 100)
    stream = io.BytesIO(b"a,b\n1,2\n" + b"\r\n" * 1_000)

    with pytest.raises(Fault, match="blank lines"):
        scan(stream)

    assert stream.tell() < 300
    assert told("a,b\n" + "\n" * 50 + "1,2\n").lines == 52


@pytest.mark.parametrize("seed", range(200))
def test_what_either_kind_of_writer_wrote_is_never_mistaken(seed: int) -> None:
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

        found = told(text)

        assert found.escape in (None, escape)
        assert escape not in found.unclosed


def test_most_of_the_files_decide() -> None:
    def shows(escape: str | None) -> Scan:
        return Scan(escape, False, NONE, 1, NONE)

    assert usual(map(shows, [None, DOUBLED, BACKSLASH, DOUBLED]), BACKSLASH) == DOUBLED
    assert usual(map(shows, [None]), DOUBLED) == DOUBLED


@pytest.mark.parametrize(
    "line",
    [
        r"1,[{\"a\":1}]",
        r"\"a\",1",
        r'"x, \"y\"",5\" wide',
        r"1,\\\"a",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_escaped_quote_outside_quotes_is_cqlshs(line: str, end: str) -> None:
    assert told(f"a,b{end}{line}{end}3,4{end}").escape == CQLSH


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
def test_an_escaped_quote_inside_quotes_is_not(
    line: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_scan, "CHUNK", size)

    assert told(f"a,b\n{line}\n3,4\n").escape == BACKSLASH


def test_literals_are_looked_for_where_lines_end_as_cqlsh_ends_them() -> None:
    assert told("a,b\r\n1,\"{'do_1': 1, 'do_2': 2}\"\r\n").has_literals
    assert told("a,b\r\n1,['x']\r\n").has_literals
    assert not told("a,b\r\n1,it's {'x'\r\n").has_literals
    assert not told("a,b\n1,['x']\n").has_literals
