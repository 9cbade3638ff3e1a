"""docs/json.md, compared with what commands print."""

import json
import re
from collections.abc import Iterator
from typing import Any

from support import PROJECT

PAGE = (PROJECT / "docs" / "json.md").read_text("utf-8")
RECORDS = {"requests[]": ("request", ""), "retired[]": ("courses", "courses[].")}
RECORDS["without_batches[]"] = RECORDS["retired[]"]
"""Lists whose items are those of another section, after a prefix."""
OF_WORKERS = {"has_worker", "worker_last_seen_at"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
DATE = re.compile(r"\d{4}-\d\d-\d\d")


def sections() -> dict[str, str]:
    """Returns the text of each section by each of the names in its heading."""
    found = re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    return {name: text for names, text in found for name in names.split(", ")}


def documented(command: str) -> set[str]:
    """Returns the keys that the page lists for a command."""
    keys = _own_keys(command)
    for key in keys & RECORDS.keys():
        section, prefix = RECORDS[key]
        keys |= {f"{key}.{one.removeprefix(prefix)}" for one in _own_keys(section)}
    if command == "request":
        keys |= OF_WORKERS
    if command == "process":
        keys -= OF_WORKERS
    return keys - RECORDS.keys()


def _own_keys(command: str) -> set[str]:
    rows = re.findall(r"^\| (`[^|]+) \|", sections()[command], re.M)
    return {key for row in rows for key in re.findall("`([^`]+)`", row)}


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yields the keys of a document to its values that hold no others, or none."""
    if isinstance(value, dict) and value:
        for key, one in value.items():
            yield from leaves(one, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for one in value:
            yield from leaves(one, f"{path}[]")
    else:
        yield path, value


def assert_documented(command: str, text: str) -> dict[str, Any]:
    """Asserts that the output of a command has the keys that the page lists, and returns it."""
    document: dict[str, Any] = json.loads(text)
    found = list(leaves(document))
    keys = documented(command)
    patterns = {key: re.compile(re.escape(key).replace(r"\*", r".+")) for key in keys}
    empty = {path for path, value in found if value in ([], {})}
    seen = set()
    for path, value in found:
        matching = {key for key, pattern in patterns.items() if pattern.fullmatch(path)}
        inner = {key for key in keys if path in empty and key.startswith((f"{path}.", f"{path}[]"))}
        assert matching | inner, f"{command}: {path} is not documented"
        seen |= matching | inner
        assert_form(path, value)
    assert keys - seen == set(), command
    return document


def assert_form(path: str, value: object) -> None:
    """Asserts that a time or a date is written as one."""
    key = path.rpartition(".")[2]
    if value is not None and (key.endswith("_at") or key == "newest"):
        assert TIME.fullmatch(str(value)), path
    if value is not None and key.endswith("_on"):
        assert DATE.fullmatch(str(value)), path
