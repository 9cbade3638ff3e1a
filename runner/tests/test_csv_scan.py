import io
import random

import pytest

from exhaust.extract import csv_scan
from exhaust.extract.csv_scan import BACKSLASH, DOUBLED, Scan, scan, usual

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
    assert told("a,b\n") == Scan(None, False, NONE, False, 1, NONE)


@pytest.mark.parametrize("line", [r'1,"5\", wide"', r'1,"c:\"', r'"say \"",1'])
def test_a_backslash_before_a_quote_that_ends_a_field_is_doubtful(line: str) -> None:
    assert told(f"a,b\n{line}\n").is_doubtful
    assert not told(f'a,b\n{line}\n1,"a""b"\n').is_doubtful
    assert not told('a,b\n1,"2"\n').is_doubtful


@pytest.mark.parametrize("size", range(1, 40))
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a,b\n1,"x\\"y"\n', Scan(BACKSLASH, False, NONE, False, 2, NONE)),
        ('a,b\n1,"x""y"\n', Scan(DOUBLED, False, NONE, False, 2, NONE)),
        ('a,b\n,""\n"",\n', Scan(None, False, NONE, False, 3, NONE)),
        ('a,b\n1,"x\\\\\\"y\\\\"\n', Scan(BACKSLASH, False, NONE, False, 2, NONE)),
        ('a,b\n1,"x\\"y"\n2,"z\n', Scan(BACKSLASH, False, BY_BACKSLASH, False, 3, BY_BACKSLASH)),
        ('a,b\n1,"x""y"\n2,"z\n', Scan(DOUBLED, False, BY_DOUBLING, False, 3, BY_DOUBLING)),
        ('a,b\n1,"x""y"\n2,"z\nz"\n3,4\n', Scan(DOUBLED, False, NONE, False, 5, BY_DOUBLING)),
        ('a,b\n1,"x\\"y"\n2,"\n\\\n"', Scan(BACKSLASH, False, NONE, False, 5, BY_BACKSLASH)),
        ('a,b\n1,"\\a"\n', Scan(DOUBLED, False, NONE, False, 2, BY_BACKSLASH)),
    ],
)
def test_evidence_across_the_ends_of_chunks_counts(
    size: int, text: str, expected: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_scan, "CHUNK", size)

    assert told(text) == expected


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


def test_a_nul_is_seen() -> None:
    assert told("a,b\n1,x\0y\n").has_nul
    assert not told("a,b\n1,xy\n").has_nul


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
        return Scan(escape, False, NONE, False, 1, NONE)

    assert usual(map(shows, [None, DOUBLED, BACKSLASH, DOUBLED]), BACKSLASH) == DOUBLED
    assert usual(map(shows, [None]), DOUBLED) == DOUBLED
