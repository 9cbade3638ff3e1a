"""A small report for the tests of `verify`."""

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

HEADER = (
    "Collection ID,Batch ID,User UUID,School ID,Enrolment Date,Progress,Total Score,do_7 - Score"
)
KINDS = ["text", "text", "text", "text", "date", "number", "percent", "score"]
ROWS = [
    "do_1,0130300000000000101,u1,0912,01/02/2026,100,47%,0%",
    "do_1,0130300000000000101,u2,,03/02/2026,0,,",
    'do_1,0130300000000000102,"u,3",33240501201,31/12/2025,5,10%,10%',
]
TIME = "2026-11-23T10:00:00Z"
BATCHES = ("0130300000000000101", "0130300000000000102")

Changes = Callable[..., list[str]]
"""The fixture `changes`: replaces texts of the report and returns the changes found."""


def report(rows: list[str], header: str = HEADER, end: str = "\n") -> str:
    return end.join([header, *rows, ""])


def receipt_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.receipt.json")


def receipt_for(file: Path) -> dict[str, Any]:
    """Returns the receipt of a file with the columns and batches above."""
    content = file.read_bytes()
    columns = zip(HEADER.split(","), KINDS, strict=True)
    rows = {batch: content.count(f"do_1,{batch},".encode()) for batch in BATCHES}
    return {
        "receipt": 1,
        "file": file.name,
        "bytes": len(content),
        "sha256": sha256(content).hexdigest(),
        "rows": sum(rows.values()),
        "enrolments": sum(rows.values()) + 2,
        "left_out": {"inactive": 2},
        "course": {"id": "do_1", "name": "Mathematics"},
        "batches": batches_with(rows),
        "filters": {"batches": None, "root_org_id": None},
        "request": None,
        "requester": None,
        "layout": "exhaust",
        "columns": [{"label": label, "kind": kind} for label, kind in columns],
        "data": {"newest_activity_at": None, "loaded_at": None, "oldest_loaded_at": TIME},
        "build": {
            "id": "this",
            "started_at": TIME,
            "ended_at": TIME,
            "exhaust": "0.1.0",
            "tests": 73,
            "variables": {},
        },
        "exported_at": TIME,
        "report_timezone": "Asia/Kolkata",
        "engine": {"name": "duckdb", "version": "1.5"},
        "exhaust": "0.1.0",
    }


def batches_with(rows: Mapping[str, int]) -> list[dict[str, Any]]:
    """Returns the batches of a receipt, each with one enrolment that is left out."""
    return [
        {
            "id": batch,
            "name": None,
            "rows": number,
            "enrolments": number + 1,
            "left_out": {"inactive": 1},
        }
        for batch, number in rows.items()
    ]


def receipt_fields() -> set[str]:
    """Returns the fields that a receipt has to have."""
    return set(receipt_for(Path(__file__)))


def write_report(file: Path, rows: list[str]) -> None:
    """Writes a report with its receipt."""
    file.write_text(report(rows), "utf-8")
    receipt_of(file).write_text(json.dumps(receipt_for(file)))


def change_receipt(file: Path, /, **changes: object) -> None:
    content = json.loads(receipt_of(file).read_text())
    receipt_of(file).write_text(json.dumps({**content, **changes}))
