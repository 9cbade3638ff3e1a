import hashlib
import json
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import pytest
from handmade_marts import MATHS, MATHS_2, MENTOR, PLAN, add_build
from key_pair import KeyPair
from support import NO_MESSAGES, ManualClock, RunExport, files

from exhaust.errors import UsageError
from exhaust.marts.state import Marts
from exhaust.project.settings import Settings
from exhaust.reports.export import export
from exhaust.reports.selection import Criteria, Destination
from exhaust.reports.verify import verify
from exhaust.warehouse import Warehouse

pytestmark = pytest.mark.not_on_spark


def test_a_receipt_describes_the_file(
    run_export: RunExport, tmp_path: Path, settings: Settings, warehouse: Warehouse
) -> None:
    run_export(Criteria([MATHS], batches=["001"], user_id=MENTOR))
    file = tmp_path / "001_progress_20261123.csv"
    receipt = json.loads((tmp_path / f"{file.name}.receipt.json").read_text("utf-8"))
    left_out = {
        "inactive": 2,
        "no enrolment date": 1,
        "enrolment date unreadable": 4,
        "outside the tenant": 1,
    }
    exported_at = receipt.pop("exported_at")
    columns = receipt.pop("columns")
    assert receipt == {
        "receipt": 1,
        "file": file.name,
        "bytes": file.stat().st_size,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "rows": 1,
        "enrolments": 9,
        "left_out": left_out,
        "course": {"id": MATHS, "name": "Mathematics"},
        "batches": [
            {"id": "001", "name": "First", "rows": 1, "enrolments": 9, "left_out": left_out}
        ],
        "filters": {"batches": ["001"], "root_org_id": "k"},
        "request": None,
        "requester": MENTOR,
        "layout": "exhaust",
        "data": {
            "newest_activity_at": "2026-10-30T18:45:00Z",
            "loaded_at": "2026-11-01T00:00:00Z",
            "oldest_loaded_at": "2026-10-31T00:00:00Z",
        },
        "build": {
            "id": "2026-11-01 12:00",
            "started_at": "2026-11-01T12:00:00Z",
            "ended_at": "2026-11-01T12:00:00Z",
            "exhaust": "0.1.0",
            "tests": 73,
            "variables": {
                "landing_schema": settings.landing_schema,
                "report_timezone": "Asia/Kolkata",
            },
        },
        "report_timezone": "Asia/Kolkata",
        "engine": {"name": settings.profile.engine, "version": warehouse.version},
        "exhaust": version("sunbird-exhaust"),
    }
    assert [column["label"] for column in columns] == [label for _, label, _, _ in PLAN]
    assert [column["kind"] for column in columns] == [kind for _, _, kind, _ in PLAN]
    assert datetime.strptime(exported_at, "%Y-%m-%dT%H:%M:%SZ")


def test_the_receipt_names_the_build_and_not_later_tests(
    run_export: RunExport, tmp_path: Path, warehouse: Warehouse, settings: Settings
) -> None:
    add_build(warehouse, settings, "partial", "2026-11-03 12:00", command="test", marts=[])
    report = run_export(Criteria([MATHS_2]))
    assert report.build.id == "2026-11-01 12:00"


def test_a_receipt_names_the_zone_of_the_build(
    run_export: RunExport, tmp_path: Path, warehouse: Warehouse, settings: Settings
) -> None:
    """The project's own zone, by now another, is not the one whose days are in the marts."""
    variables = {"report_timezone": "Pacific/Kiritimati"}
    add_build(warehouse, settings, "success", "2026-11-02 12:00", variables=variables)
    (file,) = run_export(Criteria([MATHS_2])).files
    # It is 10:00 UTC on the 23rd, and already the 24th there.
    assert file.file == "001_progress_20261124.csv"
    receipt = json.loads((tmp_path / str(file.receipt)).read_text("utf-8"))
    assert receipt["report_timezone"] == "Pacific/Kiritimati"
    assert receipt["build"]["variables"]["report_timezone"] == "Pacific/Kiritimati"


def test_standard_output_and_devices_have_no_receipt(run_export: RunExport, tmp_path: Path) -> None:
    for output in (BytesIO(), Path("/dev/null")):
        assert [file.receipt for file in run_export(Criteria([MATHS]), output).files] == [None]
    assert files(tmp_path) == {}


def test_a_receipt_is_signed_with_the_key_of_the_environment(
    run_export: RunExport, tmp_path: Path, warehouse: Warehouse, settings: Settings, keys: KeyPair
) -> None:
    environment = {**settings.environment, "EXHAUST_RECEIPT_KEY": keys.private_pem}
    signing = replace(settings, environment=environment, receipt_public_keys=keys.listed)
    destination = Destination(folder=tmp_path)
    clock = ManualClock()
    export(Marts(warehouse, signing), Criteria([MATHS]), destination, NO_MESSAGES, clock)
    for file in (tmp_path / "001_progress_20261123.csv", tmp_path / "002_progress_20261123.csv"):
        assert verify(file, public_keys=keys.listed).is_unchanged
        receipt = file.with_name(f"{file.name}.receipt.json").read_text("utf-8")
        assert list(json.loads(receipt))[-1] == "signature"
        assert keys.private_pem.splitlines()[1] not in receipt


def test_a_key_that_cannot_sign_ends_the_export_before_it_writes(
    run_export: RunExport, tmp_path: Path, warehouse: Warehouse, settings: Settings
) -> None:
    wrong = replace(settings, environment={"EXHAUST_RECEIPT_KEY": "S3cret"})
    with pytest.raises(UsageError, match="not an Ed25519 private key"):
        export(Marts(warehouse, wrong), Criteria([MATHS]), Destination(folder=tmp_path))
    assert files(tmp_path) == {}
