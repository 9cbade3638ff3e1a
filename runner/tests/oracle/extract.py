"""Reads the tables of an extract: every value a text, one row per key."""

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from oracle.values import Json, Number, timestamp

Row = dict[str, str | None]

COLUMNS = {
    "user": "userid rootorgid framework profilelocation profileusertypes status",
    "user_organisation": "userid organisationid isdeleted",
    "organisation": "id orgname externalid organisationtype rootorgid orglocation",
    "location": "id code name parentid type",
    "user_declarations": "userid orgid persona status userinfo",
    "system_settings": "id value",
    "course_batch": "courseid batchid name createdby mentors"
    " start_date startdate end_date enddate status",
    "user_enrolments": "userid courseid batchid active enrolled_date enrolleddate completedon"
    " contentstatus issued_certificates certificates datetime",
    "assessment_aggregator": "user_id course_id batch_id content_id attempt_id"
    " total_score total_max_score last_attempted_on updated_on",
    "content_hierarchy": "identifier hierarchy",
}
"""The columns that the report uses, by table, with the key columns first."""

KEY_LENGTHS = {
    "user_organisation": 2,
    "user_declarations": 3,
    "course_batch": 2,
    "user_enrolments": 3,
    "assessment_aggregator": 5,
}
"""How many key columns a table has, if it is not one."""

LATEST = {"user_enrolments": "datetime", "assessment_aggregator": "updated_on"}
"""The column that says which of several rows with the same key is the latest."""

Key = tuple[str, ...]
Tables = dict[str, dict[Key, Row]]


def read_extract(folder: Path) -> Tables:
    """Returns the rows of the ten tables by key.

    Raises ValueError if a table is missing or cannot be read.
    """
    files = [(table, _read(file)) for table in COLUMNS for file in _files(folder, table)]
    default_escape = _default_escape([file for _, file in files])
    return {
        table: _deduplicated(
            table,
            (
                row
                for source, file in files
                if source == table
                for row in _rows(file, default_escape)
            ),
        )
        for table in COLUMNS
    }


def _files(folder: Path, table: str) -> list[Path]:
    part = re.compile(r"[^._].*\.(csv|jsonl)(\.gz)?")
    single = re.compile(re.escape(table) + r"\.(csv|jsonl)(\.gz)?")
    found = [file for file in sorted(folder.iterdir()) if single.fullmatch(file.name)]
    if (folder / table).is_dir():
        found += [f for f in sorted((folder / table).iterdir()) if part.fullmatch(f.name)]
    if not found:
        raise ValueError(f"{folder} has no table {table}")
    return found


def _deduplicated(table: str, rows: Iterator[Row]) -> dict[Key, Row]:
    columns = COLUMNS[table].split()
    key_columns = columns[: KEY_LENGTHS.get(table, 1)]
    latest = LATEST.get(table)

    def rank(row: Row) -> tuple[datetime, list[tuple[bool, str]]]:
        moment = timestamp(row.get(latest)) if latest else None
        values = [row.get(column) for column in columns]
        return moment or datetime.min, [(value is not None, value or "") for value in values]

    found: dict[Key, Row] = {}
    for row in rows:
        key = tuple(row.get(column) or "" for column in key_columns)
        if all(key) and (key not in found or rank(row) > rank(found[key])):
            found[key] = row
    return found


Record = Sequence[str | None]
ParsesByEscape = dict[str, list[Record]]
"""The records of a CSV file, with its header first, by each escape with which it can be read."""


def _read(file: Path) -> list[Row] | ParsesByEscape:
    """Returns the rows of JSON lines, or the parses of CSV."""
    content = file.read_bytes()
    text = (gzip.decompress(content) if file.suffix == ".gz" else content).decode("utf-8-sig")
    if ".jsonl" in file.suffixes:
        return list(_json_rows(text))
    parses = _parses_by_escape(text)
    if not parses:
        raise ValueError(f"{file} is neither dsbulk CSV nor RFC 4180 CSV")
    return parses


def _rows(file: list[Row] | ParsesByEscape, default_escape: str) -> Iterator[Row]:
    if isinstance(file, list):
        return iter(file)
    header, *records = file.get(default_escape) or next(iter(file.values()))
    names = [(name or "").lower() for name in header]
    return (dict(zip(names, record, strict=True)) for record in records)


# JSON lines


def _json_rows(text: str) -> Iterator[Row]:
    decoder = json.JSONDecoder(parse_int=Number, parse_float=Number)
    for line in text.split("\n"):
        if line.strip():
            row = decoder.decode(line)
            if not isinstance(row, dict):
                raise ValueError(f"{line[:80]} is not a JSON object")
            yield {name.lower(): _landed(value) for name, value in row.items()}


def _landed(value: Json) -> str | None:
    """Returns a value of JSON lines as text: a text unchanged, everything else as JSON."""
    return value if value is None or isinstance(value, str) else _json_text(value)


def _json_text(value: Json) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(_json_text, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{_json_text(v)}" for k, v in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


# CSV

BACKSLASH = "\\"
DOUBLED = '"'
_END = r"(,|\r?\n|\Z)"
_BARE = r'([^",\r\n]*)'
_FIELD = {
    BACKSLASH: re.compile(r'(?:"([^"\\]*(?:\\.[^"\\]*)*)"|' + _BARE + ")" + _END, re.DOTALL),
    DOUBLED: re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|' + _BARE + ")" + _END),
}


def _default_escape(files: Sequence[list[Row] | ParsesByEscape]) -> str:
    """Returns the escape of files that can be read in only one way, else dsbulk's.

    A file may contain backslashes that prove nothing, such as `"school \\\\ 1"`.
    """
    proven = {
        escape for file in files if isinstance(file, dict) and len(file) == 1 for escape in file
    }
    return DOUBLED if proven == {DOUBLED} else BACKSLASH


def _parses_by_escape(text: str) -> ParsesByEscape:
    """Returns the records by escape. An empty field is None, `""` is the empty text.

    Both escapes give the same records if the file has neither backslashes nor doubled quotes.
    """
    if '"' in text:
        found = {escape: _records(text, escape) for escape in (BACKSLASH, DOUBLED)}
    else:
        lines = [line.removesuffix("\r") for line in text.split("\n")]
        records: list[Record] = [
            [value or None for value in line.split(",")] for line in lines if line
        ]
        found = {BACKSLASH: records, DOUBLED: records}
    return {escape: records for escape, records in found.items() if _has_equal_widths(records)}


def _has_equal_widths(records: Sequence[Record]) -> bool:
    return bool(records) and {len(record) for record in records} == {len(records[0])}


def _records(text: str, escape: str) -> list[Record]:
    """Returns the records of a text; none if it cannot be read with this escape."""
    unescape = re.compile(r'\\(["\\])') if escape == BACKSLASH else re.compile('"(")')
    match = _FIELD[escape].match
    records: list[Record] = []
    record: list[str | None] = []
    position = 0
    while position < len(text):
        field = match(text, position)
        if not field:
            return []
        quoted, bare, end = field.groups()
        if quoted is None:
            record.append(bare or None)
        else:
            record.append(unescape.sub(r"\1", quoted) if escape in quoted else quoted)
        position = field.end()
        if end != ",":
            if record != [None]:
                records.append(record)
            record = []
    if record:
        records.append([*record, None])
    return records
