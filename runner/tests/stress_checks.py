"""What must be true of commands that ran at once, and of the files that they wrote."""

import csv
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stress_round import Ended
from support import relation

from exhaust.pipeline.lease import TABLE
from exhaust.project.settings import Settings
from exhaust.reports.receipt import receipt_path
from exhaust.reports.verify import verify
from exhaust.warehouse import Warehouse, class_of, connect

CODES = {"load": {0, 6}, "build": {0, 6}, "export": {0, 6, 7}, "dbt": {0, 1}}
"""The exit codes that are right for each kind of command: done, busy, not from one build."""
CRASHES = ("Traceback", "Unexpected")
REFUSALS = (
    "Could not set lock on file",
    "This target is held by `exhaust ",
    "Data was loaded at ",
)
"""What plain dbt ends with, and with the code 2: its adapter's own traceback if a DuckDB file is
locked, and what docs/targets.md says of a target that is held and of a load since it started."""

Reports = Mapping[str, bytes]
"""The report files by name, without the day."""
Golden = Mapping[int, Reports]
"""The right files for each extract, by the rows of its enrolments."""


@dataclass(frozen=True)
class Recorded:
    """A build as the warehouse recorded it."""

    status: str
    enrolments: int
    """The rows of the load of enrolments that it was made from."""


def check_ended(command: Ended) -> None:
    """Checks that a command ended as it should, and that its output is fit for a user."""
    if command.kind == "dbt" and any(words in command.output for words in REFUSALS):
        assert command.code == 2, command.output
        return
    assert command.code in CODES[command.kind], f"{command.code}\n{command.output}"
    assert not [word for word in CRASHES if word in command.output], command.output


def check_free(settings: Settings) -> None:
    """Checks that nobody holds the target after the commands, which left nothing else behind."""
    lock = class_of(settings.profile).lock_file(settings.profile)
    if lock is not None:
        warehouse_file = settings.profile.options["path"]
        assert [str(file) for file in lock.parent.iterdir()] == [warehouse_file]
        return
    with connect(settings.profile, writing=False) as warehouse:
        assert warehouse.query(f"select * from {relation(settings.profile.schema, TABLE)}") == []


def check_export(
    command: Ended, folder: Path, golden: Golden, builds: Mapping[str, Recorded]
) -> None:
    """Checks that an export wrote all of its files, from one build, or none."""
    written = read_reports(folder)
    assert sorted(written) == (sorted(next(iter(golden.values()))) if command.code == 0 else [])
    assert len({_receipt(file)["build"]["id"] for file in folder.glob("*.csv")}) <= 1
    check_files(folder, golden, builds)


def check_files(folder: Path, golden: Golden, builds: Mapping[str, Recorded]) -> None:
    """Checks that every file is whole, and that its receipt is true: the file is what an
    undisturbed build makes of the loads that the receipt's build recorded."""
    files = sorted(folder.glob("*")) if folder.exists() else []
    reports = [file for file in files if file.suffix == ".csv"]
    assert files == sorted([*reports, *map(receipt_path, reports)])
    for file in reports:
        receipt, content = _receipt(file), file.read_bytes()
        assert hashlib.sha256(content).hexdigest() == receipt["sha256"], file
        assert len(list(csv.reader(content.decode().splitlines(True)))) == receipt["rows"] + 1
        assert verify(file).is_unchanged, file
        build = builds[receipt["build"]["id"]]
        assert build.status == "success", file
        assert content == golden[build.enrolments][_name(file)], file


def read_builds(settings: Settings) -> dict[str, Recorded]:
    with connect(settings.profile, writing=False) as warehouse:
        builds = relation(settings.profile.schema, "builds")
        rows = warehouse.query(f"select invocation_id, status, loads from {builds}")
    return {
        build_id: Recorded(
            status,
            *(one["rows"] for one in json.loads(loads) if one["table"] == "user_enrolments"),
        )
        for build_id, status, loads in rows
    }


def loaded_enrolments(warehouse: Warehouse, settings: Settings) -> int:
    """Returns the rows of enrolments that are loaded now."""
    table = relation(settings.landing_schema, "user_enrolments")
    ((rows,),) = warehouse.query(f"select count(*) from {table}")
    return int(rows)


def read_reports(folder: Path) -> dict[str, bytes]:
    return {_name(file): file.read_bytes() for file in folder.glob("*.csv")}


def _name(file: Path) -> str:
    return re.sub(r"_\d{8}\.csv$", "", file.name)


def _receipt(file: Path) -> Any:
    return json.loads(receipt_path(file).read_text("utf-8"))
