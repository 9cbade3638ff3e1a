"""What JSON texts contain, according to Python: the reference for the engines."""

import json
import random
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

MAX_DEPTH = 1000
MAX_NUMBER_LENGTH = 1000
MAX_DIGITS = 18
STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
KEYS = ["do_1", "do_2", "do_3", "name", "board"]
"""The keys that the tests query."""


@dataclass(frozen=True)
class Number:
    """A number as written."""

    raw: str

    @property
    def text(self) -> str | None:
        """Returns the number as the report writes it, or None."""
        if re.fullmatch(r"-?\d+", self.raw):
            digits = str(Decimal(self.raw)) if len(self.raw) <= MAX_DIGITS + 1 else ""
            return digits.replace("-0", "0") if 0 < len(digits.lstrip("-")) <= MAX_DIGITS else None
        nearest = Decimal(repr(float(self.raw)))
        if not nearest.is_finite() or abs(nearest) >= 10**MAX_DIGITS:
            return None
        rounded = nearest.quantize(Decimal("0.000001"), ROUND_HALF_UP)
        if abs(rounded) >= 10**12 and rounded != int(rounded):
            return None
        plain = f"{rounded:f}".rstrip("0").rstrip(".")
        return "0" if plain == "-0" else plain


def read(text: str) -> tuple[bool, Any]:
    """Returns whether a text is readable, and its value: None, bool, str, Number, list or dict."""

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    def number(raw: str) -> Number:
        if len(raw) > MAX_NUMBER_LENGTH:
            raise ValueError("a long number")
        return Number(raw)

    def last_of_each_key(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if any(_has_invalid_characters(part) for pair in pairs for part in pair):
            raise ValueError("a character")
        return dict(pairs)

    if _depth(text) > MAX_DEPTH:
        return False, None
    with _deep_recursion():
        try:
            value = json.loads(
                text,
                object_pairs_hook=last_of_each_key,
                parse_float=number,
                parse_int=number,
                parse_constant=refuse,
            )
        except ValueError:
            return False, None
        return (False, None) if _has_invalid_characters(value) else (True, value)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Raises the recursion limit, because Python's parser is recursive."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 5 * MAX_DEPTH)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _depth(text: str) -> int:
    depth = deepest = 0
    for char in STRING.sub("", text):
        depth += (char in "[{") - (char in "]}")
        deepest = max(deepest, depth)
    return deepest


def _has_invalid_characters(value: Any) -> bool:
    """Returns whether a value contains a NUL character or half of a surrogate pair."""
    if isinstance(value, str):
        return any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value)
    if isinstance(value, dict):
        return False  # Its members were checked when it was read.
    return isinstance(value, list) and any(map(_has_invalid_characters, value))


def scalar(value: Any) -> str | None:
    """Returns a text, number or boolean as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return value.text
    return value if isinstance(value, str) else None


def member(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def is_two(value: Any) -> bool:
    if isinstance(value, Number):
        return float(value.raw) == 2
    return value in ("2", "2.0")


def answers(text: str) -> dict[str, Any]:
    """Returns what the macros make of a text, by name."""
    is_json, value = read(text)
    entries = value if isinstance(value, dict) else {}
    board = member(value, "board")
    done = [key for key, entry in entries.items() if is_two(entry)]
    first = board[0] if isinstance(board, list) and board else None
    return {
        "is_json": is_json,
        "is_unreadable": not is_json or not (value is None or isinstance(value, list | dict)),
        "is_object": isinstance(value, dict) if is_json else None,
        "holds_any": isinstance(value, list | dict) and bool(value),
        "name": scalar(member(value, "name")) or None,
        "deep": scalar(member(value, "name", "name")) or None,
        "first_board": (first or None) if isinstance(first, str) else None,
        "texts": [scalar(element) for element in value] if isinstance(value, list) else [],
        "done": len(done),
        "done_among": sum(key in KEYS[:3] for key in done),
    }


def elements(text: str) -> list[tuple[int, str | None]]:
    """Returns the position and `name` of each element of a list."""
    _, value = read(text)
    return [
        (index, scalar(member(element, "name")) or None)
        for index, element in enumerate(value if isinstance(value, list) else [], start=1)
    ]


def texts(count: int, seed: int) -> list[str]:
    """Returns distinct texts for a seed: JSON, almost JSON, and other texts."""
    rng = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found[rng.choice([_document, _document, _mutated, _mutated, _deep, _long])(rng)] = None
    return list(found)


def _split(text: str) -> list[str]:
    return text.split()


NUMBERS = _split(
    "0 1 2 2.0 2.00 2e0 20e-1 0.2e1 200E-2 -0 -0.0 1e2 1E+2 12e-1 33291500301 3.3291500301e10 "
    "33291500301.0 123456789012345678 -123456789012345678 1234567890123456789 99999999999.9999995 "
    "999999999999.5 1000000000000 1000000000000.5 0.0000005 0.00000049 -0.0000001 1e17 1e18 1e400 "
    "-1e400 1e-400 1e99999 1e-99999 0e99999 5e999999999999 0.1 0.30000000000000004 123456.7890125 "
    "1.99999999999999999999 2.00000000000000000001 0.12345650000000000001 18446744073709551615 "
    "18446744073709551616 9007199254740993 1e23 2e-3 4.35 0.1e-5 123456789012.123456"
)
INVALID_NUMBERS = _split(
    "NaN -NaN Infinity -Infinity inf nan 01 -01 +1 .5 1. 1.e2 - 1e 1e+ 0x10 1_000 \uff12"
)
WORDS = [
    *("true", "false", "null", '"2"', '"2.0"', '"2.00"', '""', '"true"', '"x"'),
    *(
        '"say \\"x\\""',
        '"\\u0041"',
        '"\\ud83d\\ude00"',
        '"तमिल 😀"',
        '"a\\\\"',
        '"\\/\\b\\f\\n\\r\\t"',
    ),
    *('"\\\\u0000"', '"NaN, inf"', '"[{,]}"', '"\u2028"', '"\x7f"', '"\\uffff"', '"\ufffe"'),
]
INVALID_WORDS = [
    *("True", "None", "undefined", "'x'", '"\\x41"', '"\\u12"', '"a\tb"', '"a\nb"', '"\x01"', '"'),
    *('"\\u0000"', '"x\\u0000y"', '"\\ud83d"', '"\\ude00\\ud83d"', '"\\udfff"', '"\\ud83d\\u0041"'),
    *('"\\\\\\u0000"', "//x", "/*x*/", "#", "\\", "\ufeff", "\xa0", "\x0c"),
]
SPACE = ["", "", "", "", "", " ", "\n", "\t", "\r\n", "  "]


def _value(rng: random.Random, depth: int = 0, error_rate: float = 0.02) -> str:
    """Returns a JSON value, or with probability `error_rate` something that is not one."""

    def space() -> str:
        return rng.choice(SPACE) if rng.random() < 0.3 else ""

    if rng.random() < error_rate:
        return rng.choice([*INVALID_NUMBERS, *INVALID_WORDS, ""])
    kind = rng.random()
    if depth > 3 or kind < 0.35:
        return rng.choice(NUMBERS)
    if kind < 0.6:
        return rng.choice(WORDS)
    values = [_value(rng, depth + 1, error_rate) for _ in range(rng.choice([0, 1, 1, 2, 3, 5]))]
    end = "," if rng.random() < error_rate else ""
    if kind < 0.75:
        return "[" + ",".join(space() + value + space() for value in values) + end + space() + "]"
    keys = [rng.choice([*KEYS, *KEYS, "\\u006eame", "do_\\u0031", "a\\nb", ""]) for _ in values]
    members = [
        f'{space()}"{key}"{space()}:{space()}{value}{space()}'
        for key, value in zip(keys, values, strict=True)
    ]
    return "{" + ",".join(members) + end + space() + "}"


def _document(rng: random.Random) -> str:
    around = [
        "",
        "",
        "",
        "",
        " ",
        "\n",
        "\ufeff",
        "\xa0",
        "\x0c",
        "\x0b",
        "x",
        "]",
        "//x",
        ',"x"],[1',
    ]
    value = _value(rng)
    shape = rng.random()
    if shape < 0.3:
        value = '{"name":' + value + ',"board":[' + _value(rng) + "]}"
    elif shape < 0.5:
        value = f'[{_value(rng)},{{"name":{value},"name":{_value(rng)}}}]'
    elif shape < 0.7:
        pairs = [
            f'"{rng.choice(KEYS)}":{rng.choice(["2", "1", *NUMBERS, *WORDS])}'
            for _ in range(rng.choice([3, 10, 80]))
        ]
        value = "{" + ",".join(pairs) + "}"
    if rng.random() < 0.8:
        return value
    return rng.choice(around) + value + rng.choice(around)


def _mutated(rng: random.Random) -> str:
    """Returns a document with a character inserted, removed or replaced."""
    text = _document(rng)
    index = rng.randrange(len(text) + 1)
    inserted: str = rng.choice(["", *"{}[],:\"\\0129eE+-.'nNui \t\n\u200b/#", "\\u", "\\\\"])
    return text[:index] + inserted + text[index + rng.choice([0, 1]) :]


def _deep(rng: random.Random) -> str:
    """Returns text nested about as deep as allowed, or far deeper, or with many brackets."""
    levels = rng.choice([1, 10, 998, 999, 1000, 1000, 1001, 1001, 1002, 2000, 20_000])
    inside = rng.choice(["", "1", '"]"', '"[[[["', '"\\"[["', "null", '{"name":"x"}'])
    kind = rng.randrange(5)
    if kind == 0 and inside:
        return '{"name":' * levels + inside + "}" * levels
    if kind == 1 and inside:
        return '[{"name":' * (levels // 2) + inside + "}]" * (levels // 2)
    if kind == 2:
        brackets = ",".join(rng.choice(["[]", "{}", '["["]', "[[]]"]) for _ in range(1500))
        return f"[{brackets}]"
    end = rng.choice(["", "", "", " ", "]", "[]", '{"a":1}', "[1"])
    return "[" * levels + inside + "]" * levels + end


def _long(rng: random.Random) -> str:
    """Returns JSON with long numbers and long texts."""
    digits = rng.choice([20, 300, 334, 600, 998, 999, 1000, 1001, 1002, 1003, 2500])
    number = rng.choice(
        [
            "1" * digits,
            "0." + "1" * (digits - 2),
            "-" + "9" * (digits - 1),
            "1" * (digits - 3) + "e-9",
        ]
    )

    def before() -> str:
        return '"' + "x" * rng.choice([0, 10, 300, 490, 700]) + '"'

    return rng.choice(
        [
            f'{{"do_1":{before()},"name":{number}}}',
            f'{{"name":{number},"do_1":{before()}}}',
            f"[{before()},{number},{before()},2]",
            f'{{"do_1":2,"name":"{number}"}}',
            f'["{number}",[{number},1],{{"name":{number}}}]',
        ]
    )
