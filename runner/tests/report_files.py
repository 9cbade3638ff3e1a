"""A small report, with all that spreadsheet programs break, in every format."""

import csv
import hashlib
import io
import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from formats_support import csv_excel, fixed, report_rows, score, workbook
from verify_support import BATCHES, batches_with, receipt_for

from exhaust.reports.table import Rows

LABELS = [
    *("Collection ID", "Batch ID", "User UUID", "School ID", "School Name"),
    *("Enrolment Date", "Completion Date", "Certificate Status"),
    *("Progress", "Total Score", "do_7 - Score"),
]
IDS = ["course_id", "batch_id", "user_id", "school_id", "school_name"]
IDS += ["enrolled_on", "completed_on", "certificate_status", "progress", "total_score", "do_7"]
KINDS = [*["text"] * 5, "date", "date", "text", "number", "percent", "score"]
HEADERS = [*LABELS[:-1], "Fractions, 1 [do_7] - Score"]
COLUMNS = [*fixed(*IDS[:-1]), score(1, "do_7", "Fractions, 1")]
OF_LEARNERS = [
    ["u1", "09270101001", "தமிழ் பள்ளி", "03/06/2026", "28/06/2026", "Issued", "100", "88%", "100%"],
    ["u2", "09270101002", "=HYPERLINK(1)", "28/06/2024", "", "", "0", "0%", "0%"],
    ["u3", "33240501201", '-a, "b"\nc', "31/12/2025", "", "", "7", "7%", ""],
    ["u4", "", "'quoted", "01/02/2026", "", "", "57", "", ""],
]
ROWS = [
    *(["do_1", BATCHES[0], *row] for row in OF_LEARNERS),
    ["do_1", BATCHES[1], "u5", "", "", "05/05/2026", "", "", "29", "29%", "58%"],
    ["do_1", BATCHES[1], "u6", "09000000000", "", "06/05/2026", "", "", "1", "", ""],
]

Row = list[str]


def csv_text(rows: list[Row], header: Row, end: str = "\n") -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows([header, *rows])
    return text.getvalue()


def write_csv(file: Path, rows: list[Row]) -> None:
    file.write_bytes(csv_text(rows, LABELS).encode())


def rows_of(rows: list[Row]) -> AbstractContextManager[Rows]:
    values = [{id: value or None for id, value in zip(IDS, row, strict=True)} for row in rows]
    return report_rows(COLUMNS, values)


def write_csv_excel(file: Path, rows: list[Row]) -> None:
    with rows_of(rows) as made:
        file.write_bytes(csv_excel(made))


def write_xlsx(file: Path, rows: list[Row]) -> None:
    with rows_of(rows) as made:
        workbook(made, file)


WRITERS = {"csv": write_csv, "csv-excel": write_csv_excel, "xlsx": write_xlsx}
ENDINGS = {"csv": ".csv", "csv-excel": ".csv", "xlsx": ".xlsx"}


def write_report_file(file: Path, format: str, rows: list[Row]) -> None:
    """Writes a report in a format, with its receipt."""
    WRITERS[format](file, rows)
    file.with_name(f"{file.name}.receipt.json").write_text(json.dumps(receipt(file, format, rows)))


def receipt(file: Path, format: str, rows: list[Row]) -> dict[str, Any]:
    content = file.read_bytes()
    counts = {batch: sum(row[1] == batch for row in rows) for batch in BATCHES}
    columns = [
        {"id": id, "label": label, "kind": kind}
        for id, label, kind in zip(IDS, LABELS, KINDS, strict=True)
    ]
    found = receipt_for(file) | {
        "rows": len(rows),
        "enrolments": len(rows) + 2,
        "columns": columns,
        "batches": batches_with(counts),
    }
    if format != "csv":
        twin = hashlib.sha256(csv_text(rows, LABELS).encode()).hexdigest()
        found |= {"format": format, "protected": False, "headers": HEADERS}
        found |= {"twin_sha256": twin, "values_sha256": twin, "split": None, "since": None}
    return found | {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
