"""Tests that the oracle reads timestamps, numbers and JSON by the rules."""

from datetime import datetime

import pytest
from oracle.values import number, parsed, plain, timestamp


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-31T18:30:00Z", datetime(2024, 1, 31, 18, 30)),
        ("2024-01-31 18:30:00:382+0000", datetime(2024, 1, 31, 18, 30, 0, 382000)),
        ("2024-01-31 18:30:00.5", datetime(2024, 1, 31, 18, 30, 0, 500000)),
        ("2024-02-01T00:00:00+0530", datetime(2024, 1, 31, 18, 30)),
        ("2024-01-31T13:30:00-05", datetime(2024, 1, 31, 18, 30)),
        ("2024-01-31", datetime(2024, 1, 31)),
        ("2023-02-29", None),
        ("2024-01-31T24:00:00Z", None),
        ("2024-01-31 18:30", None),
        (" 2024-01-31", None),
        ("12-14-2020 05:41:50", None),
        ("0001-01-01T00:00:00+0530", None),
        ("٢٠٢٤-01-31", None),
        (None, None),
    ],
)
def test_timestamps_are_parsed(text: str | None, expected: datetime | None) -> None:
    assert timestamp(text) == expected


@pytest.mark.parametrize(
    ("text", "millionths"),
    [
        ("20", 20_000_000),
        ("1.0E1", 10_000_000),
        ("-.5", -500_000),
        ("0.0000005", 1),
        ("-0.0000005", -1),
        ("0.00000049", 0),
        ("1e-400", 0),
        ("999999999999.9999994", 999_999_999_999_999_999),
        ("999999999999.9999995", None),
        ("1e12", None),
        ("1e99999999999999999999", None),
        ("0e99999999999999999999", 0),
        ("9" * 5000, None),
        ("NaN", None),
        (".", None),
        ("1e", None),
        (" 5", None),
        ("", None),
    ],
)
def test_numbers_are_parsed(text: str, millionths: int | None) -> None:
    assert number(text) == millionths


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a":1,"a":{"b":[]}}', {"a": {"b": []}}),
        (' [true,null,"\\ud83d\\ude00"] ', [True, None, "😀"]),
        ('["\\\\u0000"]', ["\\u0000"]),
        ('["\\u0000"]', None),
        ('["\\ud83d"]', None),
        ('["\\\\\\ud83d"]', None),
        ("[NaN]", None),
        ("[1,]", None),
        ("[01]", None),
        ('["\t"]', None),
        ("\u00a0[]", None),
        ("[" * 1001 + "]" * 1001, None),
        ("[" * 100_000, None),
    ],
)
def test_json_is_parsed(text: str, expected: object) -> None:
    assert parsed(text) == expected


def test_json_with_a_thousand_levels_is_parsed() -> None:
    value = parsed("[" * 1000 + "]" * 1000)
    for _ in range(999):
        assert isinstance(value, list)
        (value,) = value
    assert value == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"a"', "a"),
        ('""', None),
        ("123456789012345678", "123456789012345678"),
        ("1234567890123456789", None),
        ("1e2", "100"),
        ("2.50", "2.5"),
        ("-0", "0"),
        ("true", "true"),
        ("null", None),
        ('["a"]', None),
    ],
)
def test_json_scalars_become_text(text: str, expected: str | None) -> None:
    assert plain(parsed(text)) == expected
