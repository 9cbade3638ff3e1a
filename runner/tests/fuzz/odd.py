"""Unusual values that have broken readers of extracts before, or might."""

from datetime import datetime
from random import Random
from typing import Any

TEXTS = (
    *("", " ", "  x  ", "'", "''", '"', '""', "\\", "\\\\", '\\"', '"\\', ",", ";", "|", "#", "`"),
    *("\n", "\r\n", "\r", "\t", "\x01", "\x0b", "\x0c", "\x1f", "\x7f", "\x85", "\x9f"),
    *("\u00a0", "\u200b", "\u200d", "\u200f", "\u202e", "\u2028", "\ufeff", "\ufffd", "\uffff"),
    *("😀", "👩‍🏫", "क्षि", "தமிழ்", "e\u0301", "\u00e9", "ß", "İ", "\U0010ffff"),
    *("NULL", "null", "None", "NaN", "nan", "true", "\\N", "0", "-0", "1e3", "{}", "[]", "{", "]"),
    *("=1+1", "--", "; drop table x", "$$", "{{ x }}", "{% x %}", "%s", "%", "_", "../x", "a/b"),
    *("O'Brien", 'say "hi"', 'say \\"hi\\"', "c:\\new", "a\nb", "a,b", "x\u00a0y", "Teacher's"),
    *("{'a': 1}", "['a', 'b']", "OrderedMapSerializedKey([('a', 'b')])", '{"a": 1}', '"a"'),
    *("\\n", "\\xa0", "\\u0041", "&amp;", "<b>", "001", "1.0", "2024-06-03T04:30:00Z"),
)
LONG_TEXTS = ("x" * 300, "é" * 5000, "x" * 70_000, "ab\n" * 40)
RARE_TEXTS = ("\0", "a\0b")
"""Texts that are refused in every form."""

JSON = (
    *("{}", "[]", "null", "1", '"x"', "true", "[null]", "[1]", '["a"]', "[{}]", "[[]]"),
    *('[{"a":1}]',),
    *('{"a":1,"a":2}', '{"identifier":"do_1","identifier":"do_2"}', '[{"type":"x","type":"y"}]'),
    *("[1,2,]", '{"a":1,}', "{'a': 1}", "{a:1}", '{"a":1', '{"a"}', '{"a":1}}', '{"a":1} x', "[,]"),
    *('{"a":NaN}', "[NaN]", "[Infinity]", '{"a":1e400}', '{"a":01}', '{"a":.5}', '{"a":1.}'),
    *('{"a":+1}', '{"a":-0}', '{"a":-0.0}', '{"a":1E+2}', '{"a":' + "9" * 400 + "}"),
    *('{"a":"\\u0000"}', '{"a":"\\ud83d"}', '{"a":"\\ude00\\ud83d"}', '{"a":"\\ud83d\\ude00"}'),
    *('{"a":"\\x41"}', '{"a":"\\\'"}', '{"a":"\n"}', '{"a":"\t"}', '{"a":"\x7f"}', '{"\\u0061":1}'),
    *(' {"a":1} ', '\ufeff{"a":1}', '\u00a0{"a":1}', '\x0c{"a":1}', '{"a":1}\n', "// x\n{}"),
    *("/**/[]",),
    *('{"":1}', '{"a":{"a":{"a":{}}}}', '"{\\"a\\":1}"', "TRUE", "undefined", "''", "[1 2]"),
    "[" * 999 + "]" * 999,
    "[" * 1001 + "]" * 1001,
    '{"a":' * 1200 + "1" + "}" * 1200,
    "[" * 20_000 + "]" * 20_000,
    "[" * 20_000,
    "[" + "1," * 3000 + "1]",
)

JSON_VALUES = (
    *("null", "true", "false", '""', '" "', "0", "1", "2", "-1", "2.0", "2.00", "2e0", '"2"'),
    *("20e-1", "1.5", "1e3", "123456789012345678", "12345678901234567890123", "0.1234567", "-0"),
    *("1e400", "[]", "{}", "[null]", '["x"]', '{"x":1}', '"true"', '"TRUE"', '"false"', '"x"'),
    *('"\\u0000"', '"\\ud83d"', '"\\"hi\\""', '"a\\nb"', '"\u00a0"', '"\\u00a0"', '"O\'Brien"'),
    *('"application/vnd.ekstep.content-collection"', '"SelfAssess"', '"Live"', '"Retired"', "NaN"),
)
"""Values as they appear in JSON."""

NUMBERS = (
    *(0.0, -0.0, 0.5, 1.0, 7.0, -1.0, 1e-7, 0.000001, 0.0000005, 999999999999.0, 1e12, 1e15),
    *(1e300, 1 / 3, 2 / 3, 0.1, 14.0, 25.0, 1e-300, float("nan"), float("inf"), float("-inf")),
)
NUMBER_TEXTS = (
    *("", " ", "20", "20.0", "1.0E1", "1e1", "+5", "-5", ".5", "5.", "1,000", "0x10", "1_000"),
    *(" 5",),
    *("5 ", "NaN", "nan", "Infinity", "-inf", "٣", "\uff15", "1e400", "1e-400", "9" * 400),
    *("--1", "1e"),
    *("null", "None", "five", "1.0E+1", "000007", "1/2", "5%", "999999999999.9999999"),
    *("1e999999999",),
)

TIMES = (
    *(datetime(1970, 1, 1), datetime(1969, 12, 31, 23, 59, 59, 999000), datetime(1000, 1, 1)),
    *(datetime(9999, 12, 31, 23, 59, 59, 999000), datetime(9999, 12, 31, 18, 29, 59)),
    *(datetime(2024, 2, 29, 18, 30), datetime(2024, 2, 29, 18, 29, 59, 999000)),
    *(datetime(2038, 1, 19, 3, 14, 8), datetime(2024, 6, 3, 4, 30, 0, 1000)),
)
TIME_TEXTS = (
    *("", " ", "2024-06-03", "2024-06-03T04:30:00Z", "2024-06-03 04:30:00", "2024-06-03T04:30Z"),
    *("2024-06-03 04:30:00.123456", "2024-06-03 04:30:00.382+0000", "2024-06-03 04:30:00:382+0000"),
    *("2024-06-03 04:30:00+0530", "2024-06-03T04:30:00+05:30", "2024-06-03 04:30:00-03"),
    *("24:00:00",),
    *("2024-06-03 04:30:00.000000+0000", "2024-06-03T24:00:00Z", "2024-06-03T23:59:60Z"),
    *("12-14-2020 10:00:00:000+0000", "14/12/2020", "2024-02-30", "2023-02-29", "2024-13-01"),
    *("0000-01-01", "0001-01-01T00:00:00+0530", "9999-12-31T23:59:59-0530", "10000-01-01"),
    *("-0001-01-01", "1717389000000", "1717389000", "now", "today", "infinity", "epoch", "null"),
    *("2024-6-3", "20240603", "2024-W23-1", "2024-06-03T04:30:00.1234567890Z"),
    *("\uff12\uff10\uff12\uff14-06-03",),
    *("2024-06-03T04:30:00z", "2024-06-03t04:30:00Z", "2024-06-03T04:30:00+9999", "Mon Jun 3 2024"),
    *(" 2024-06-03 ", "2024-06-03\n", "2024-06-03T04:30:00 Asia/Kolkata", "2024-06-03T04:30:00+00"),
)

BOOLEAN_TEXTS = (
    *("", " ", "1", "0", "true", "false", "True", "False", "TRUE", "t", "f", "T", "yes", "no", "y"),
    *("on", "off", "2", "-1", "1.0", "null", "None", " true", "wahr"),
)

INTEGER_TEXTS = ("", "2.0", "02", "2e0", "-1", "99999999999", "two", "null", " 2", "2 ", "NaN")

NAMES = ("userId", "USERID", "x", "Extra", "ÜBER", "a b", "select", "order", "a.b", 'a"b', "loads")
"""Names of columns that an extract has in addition to the listed ones."""


def text(random: Random, original: Any = "") -> str:
    """Returns an unusual text: one or several in a row, or one inserted into the original."""
    if random.random() < 0.01:
        return random.choice(RARE_TEXTS)
    chosen = random.choice((*TEXTS, *LONG_TEXTS))
    choice = random.random()
    if choice < 0.5:
        return chosen
    if choice < 0.7:
        return "".join(random.choices(TEXTS, k=random.randint(2, 5)))
    base = original if isinstance(original, str) else "x"
    offset = random.randint(0, len(base))
    return base[:offset] + chosen + base[offset:]
