"""Collections as CQL and Python write them, turned into JSON by DuckDB.

`{'do_1': 2}` and `['Teacher''s "Merit"']` are what cqlsh shows of a map and of a list;
`[OrderedMapSerializedKey([('name', "Teacher's")])]` is what Python shows of the driver's values.
Nothing is evaluated: a text is cut into tokens, each of which becomes one of JSON's, and what is no
JSON after that stays the text it was.
"""

from functools import partial

from exhaust.extract.cqlsh import unescaped_again
from exhaust.project import sql

literal = partial(sql.literal, engine="duckdb")

MARK = "chr(1)"
"""Stands for two characters while one of them is replaced. Neither cqlsh nor Python leaves it."""

CQL_STRING = "'(?:[^']|'')*'"
CQL_TOKENS = "|".join(
    [
        CQL_STRING,
        # A field of a user-defined type that is null.
        r"[A-Za-z_][A-Za-z0-9_]*: *[,}]",
        r"[^ ,:{}\[\]()'\"]+:",
        r"[^ ,:{}\[\]()'\"]+",
        "(?s:.)",
    ]
)

# Python shows a string between double quotes only if it holds an apostrophe and none of those.
PYTHON_STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"'\\]|\\[^"'])*'(?:[^"\\]|\\[^"'])*\""""
MAP = r"(?:OrderedMapSerializedKey|OrderedMap)\(\["
PYTHON_EMPTY_MAP = rf"{MAP}\]\)"
PYTHON_TOKENS = "|".join(
    [
        PYTHON_EMPTY_MAP,
        MAP,
        rf"\((?:{PYTHON_STRING}), *",
        r"\)\]\)",
        PYTHON_STRING,
        r"[A-Za-z_]+",
        "(?s:.)",
    ]
)
NUMBER = "-?[0-9]+(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?"


def as_json(text: str, *, is_cqlsh: bool) -> str:
    """SQL of a field of a JSON column: JSON of a literal, else the text as it is.

    `text` is SQL, short, as it is repeated. In a text of cqlsh's a backslash means itself. Others
    are read as Python's, where it escapes, then as CQL. JSON that was escaped once too often is
    unescaped.
    """
    has_escape = f"contains({text}, '\\')"
    ways = [
        f"case when {has_escape} then {_if_json(unescaped_again(text))} end",
        f"case when {is_cqlsh} or not {has_escape} then {_if_json(_double_quoted(text))} end",
        *([] if is_cqlsh else [_if_json(_of_python(text))]),
        _if_json(_of_cql(text)),
    ]
    return f"case when json_valid({text}) then {text} else coalesce({', '.join(ways)}, {text}) end"


def is_plain(text: str) -> str:
    """SQL of whether a text cannot be a literal, for the price of three looks at it.

    Most of what is JSON is plain.
    """
    looks = " or ".join(f"contains({text}, {literal(mark)})" for mark in ("'", "\\", "("))
    return f"not ({looks})"


def _if_json(text: str) -> str:
    """A text if it is JSON, else null. A list of one gives the text a name."""
    return f"list_transform([{text}], lambda json: case when json_valid(json) then json end)[1]"


def _double_quoted(text: str) -> str:
    """JSON of a literal of maps, lists, numbers and strings, unless one begins with an apostrophe
    or is empty: then an apostrophe stands between strings, which is no JSON."""
    escaped = f"""replace(replace({text}, '\\', '\\\\'), '"', '\\"')"""
    return f"""replace(replace(replace({escaped}, '''''', {MARK}), '''', '"'), {MARK}, '''')"""


def _of_cql(text: str) -> str:
    inside = "replace(token[2:-2], '''''', '''')"
    return _joined(
        text,
        CQL_TOKENS,
        [
            (
                "length(token) > 1 and starts_with(token, '''')",
                f"cast(to_json({inside}) as varchar)",
            ),
            (
                "regexp_full_match(token, '[A-Za-z_][A-Za-z0-9_]*: *[,}]')",
                """'"' || regexp_extract(token, '^[^:]+') || '": null' || right(token, 1)""",
            ),
            ("length(token) > 1 and ends_with(token, ':')", """'"' || token[:-2] || '":'"""),
            ("token in ('True', 'False')", "lower(token)"),
            (f"token = 'null' or regexp_full_match(token, {literal(NUMBER)})", "token"),
            (
                "length(token) > 1 or regexp_full_match(token, '[A-Za-z]')",
                "cast(to_json(token) as varchar)",
            ),
        ],
    )


def _of_python(text: str) -> str:
    key = _json_string("regexp_replace(token[2:], ', *$', '')")
    return _joined(
        text,
        PYTHON_TOKENS,
        [
            (f"regexp_full_match(token, {literal(PYTHON_EMPTY_MAP)})", "'{}'"),
            (f"regexp_full_match(token, {literal(MAP)})", "'{'"),
            ("token = ')])'", "'}'"),
            ("token = ')'", "''"),
            ("length(token) > 1 and starts_with(token, '(')", f"{key} || ': '"),
            ("""length(token) > 1 and left(token, 1) in ('''', '"')""", _json_string("token")),
            ("token in ('True', 'False')", "lower(token)"),
            ("token = 'None'", "'null'"),
        ],
    )


def _json_string(token: str) -> str:
    """A string of Python's as one of JSON's, which knows most of its escapes."""
    shown = f"replace(replace({token}[2:-2], '\\\\', {MARK}), '\\''', '''')"
    shown = f"regexp_replace({shown}, '\\\\x([0-9a-f][0-9a-f])', '\\\\u00\\1', 'g')"
    shown = f"""replace(replace({shown}, '"', '\\"'), {MARK}, '\\\\')"""
    return f"""'"' || {shown} || '"'"""


def _joined(text: str, tokens: str, cases: list[tuple[str, str]]) -> str:
    whens = " ".join(f"when {test} then {then}" for test, then in cases)
    return (
        f"array_to_string(list_transform(regexp_extract_all({text}, {literal(tokens)}), "
        f"lambda token: case {whens} else token end), '')"
    )
