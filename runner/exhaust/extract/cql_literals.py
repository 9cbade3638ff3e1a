"""Turns collections in the notation of CQL or Python into JSON, in DuckDB's SQL.

cqlsh writes a map as `{'do_1': 2}` and a list as `['Teacher''s "Merit"']`. Python writes the values
of the driver as `[OrderedMapSerializedKey([('name', "Teacher's")])]`. Nothing is evaluated: a text
is cut into tokens, and each token becomes a JSON token. If the result is not JSON, the text stays
unchanged.
"""

from functools import partial

from exhaust.extract.cqlsh import unescaped_again
from exhaust.project import sql

literal = partial(sql.literal, engine="duckdb")

MARK = "chr(1)"
"""Replaces two characters while one of them is replaced. Neither cqlsh nor Python writes it."""

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

# Python uses double quotes only for a string with an apostrophe and without double quotes.
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
    """Returns SQL of a JSON column: the JSON of a literal, else the text unchanged.

    `text` is SQL. Keep it short, because it is repeated. In a text from cqlsh a backslash is a
    plain character. Other texts are read as Python, where a backslash escapes, then as CQL. JSON
    that was escaped once too often is unescaped.
    """
    has_escape = f"contains({text}, '\\')"
    attempts = [
        f"case when {has_escape} then {_if_json(unescaped_again(text))} end",
        f"case when {is_cqlsh} or not {has_escape} then {_if_json(_double_quoted(text))} end",
        *([] if is_cqlsh else [_if_json(_of_python(text))]),
        _if_json(_of_cql(text)),
    ]
    return (
        f"case when json_valid({text}) then {text} else coalesce({', '.join(attempts)}, {text}) end"
    )


def is_plain(text: str) -> str:
    """Returns SQL of whether a text cannot be a literal.

    It is a cheap check that saves parsing: most JSON is plain.
    """
    checks = " or ".join(
        f"contains({text}, {literal(character)})" for character in ("'", "\\", "(")
    )
    return f"not ({checks})"


def _if_json(text: str) -> str:
    """Returns SQL of a text if it is JSON, else null. The list of one is there to name the text."""
    return f"list_transform([{text}], lambda json: case when json_valid(json) then json end)[1]"


def _double_quoted(text: str) -> str:
    """Returns SQL that turns a literal of maps, lists, numbers and strings into JSON by its quotes.

    For a string that is empty or begins with an apostrophe, the result is not JSON, because an
    apostrophe is left between strings.
    """
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
    """Converts a Python string to a JSON string, which shares most escapes with Python."""
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
