import errno
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import pytest
from marts import (
    CREATOR,
    EMPTY,
    HEADER,
    HOMELESS,
    LINES,
    MATHS,
    MATHS_2,
    MENTOR,
    PLAN,
    RETIRED,
    add_build,
    create_marts,
    insert,
)
from support import ManualClock, RecordingConsole, relation

from exhaust.console import Clock
from exhaust.errors import Busy, DataError, ExhaustError, NotFound, PermissionDenied, UsageError
from exhaust.marts.state import Marts, open_marts
from exhaust.project.settings import Settings
from exhaust.reports.export import ExportReport, export
from exhaust.reports.layout import Layout
from exhaust.reports.selection import Criteria, Destination
from exhaust.warehouse import LOCK_TIMEOUT_SECONDS, Warehouse, connect

pytestmark = pytest.mark.not_on_spark

Export = Callable[..., ExportReport]


def text(*batches: tuple[str, str]) -> str:
    return HEADER + "".join(line for batch in batches for line in LINES[batch])


@pytest.fixture
def console() -> RecordingConsole:
    return RecordingConsole()


@pytest.fixture
def run(
    warehouse: Warehouse,
    settings: Settings,
    console: RecordingConsole,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Export:
    """Exports from the marts made by hand, to the current folder, on 23 November 2026."""
    create_marts(warehouse, settings)
    monkeypatch.chdir(tmp_path)
    never_sleeps = ManualClock(on_sleep=lambda: pytest.fail("slept"))

    def run(
        criteria: Criteria,
        output: Path | BinaryIO | None = None,
        folder: Path = Path(),
        clock: Clock = never_sleeps,
    ) -> ExportReport:
        marts = Marts(warehouse, settings)
        return export(marts, criteria, Destination(output, folder), console, clock)

    return run


def files(folder: Path) -> dict[str, str]:
    return {file.name: file.read_bytes().decode() for file in folder.iterdir()}


def reports(folder: Path) -> dict[str, str]:
    """The files of a folder without their receipts, of which each has one."""
    found = files(folder)
    reports = {name: text for name, text in found.items() if not name.endswith(".receipt.json")}
    assert found.keys() - reports.keys() == {f"{name}.receipt.json" for name in reports}
    return reports


def test_writes_one_file_a_batch(run: Export, tmp_path: Path, console: RecordingConsole) -> None:
    report = run(Criteria([MATHS]))
    assert reports(tmp_path) == {
        "001_progress_20261123.csv": text((MATHS, "001")),
        "002_progress_20261123.csv": text((MATHS, "002")),
    }
    first, second = report.files
    assert (first.course_id, first.batches, first.file) == (
        MATHS,
        {"001": 2},
        "001_progress_20261123.csv",
    )
    assert (first.rows, first.bytes) == (2, len(text((MATHS, "001"))))
    assert first.left_out == {
        "inactive": 2,
        "no enrolment date": 1,
        "enrolment date unreadable": 4,
        "outside the tenant": 0,
    }
    assert second.rows == 1
    assert console.said == []


def test_the_day_in_a_file_name_is_that_of_the_reports_time_zone(run: Export) -> None:
    clock = ManualClock()
    clock.time = datetime(2026, 1, 1, 20, tzinfo=UTC)  # In India it is the 2nd.
    report = run(Criteria([MATHS_2]), clock=clock)
    assert report.files[0].file == "001_progress_20260102.csv"


def test_batches_of_one_id_do_not_overwrite_each_other(run: Export, tmp_path: Path) -> None:
    run(Criteria([MATHS, "mathematics ii"]), folder=tmp_path / "a" / "b")
    assert reports(tmp_path / "a" / "b") == {
        "do_1_001_progress_20261123.csv": text((MATHS, "001")),
        "002_progress_20261123.csv": text((MATHS, "002")),
        "do_2_001_progress_20261123.csv": text((MATHS_2, "001")),
    }


def test_a_course_named_twice_is_exported_once(run: Export) -> None:
    assert len(run(Criteria([MATHS_2, "Mathematics II"])).files) == 1


def test_batches_are_chosen_by_id_and_name(run: Export, tmp_path: Path) -> None:
    run(Criteria([MATHS], batches=["second", "002"]))
    assert list(reports(tmp_path)) == ["002_progress_20261123.csv"]


def test_an_unknown_batch_cannot_be_exported(run: Export) -> None:
    with pytest.raises(NotFound):
        run(Criteria([MATHS], batches=["999"]))


def test_one_file_holds_all_batches_in_order(run: Export, tmp_path: Path) -> None:
    report = run(Criteria([MATHS]), Path("all.csv"))
    assert reports(tmp_path) == {"all.csv": text((MATHS, "001"), (MATHS, "002"))}
    assert report.files[0].batches == {"001": 2, "002": 1}
    assert report.files[0].rows == 3


def test_one_file_holds_the_batches_chosen(run: Export, tmp_path: Path) -> None:
    run(Criteria([MATHS], batches=["002"]), Path("one.csv"))
    assert reports(tmp_path) == {"one.csv": text((MATHS, "002"))}


def test_standard_output(run: Export, tmp_path: Path) -> None:
    output = BytesIO()
    report = run(Criteria([MATHS]), output)
    assert output.getvalue().decode() == text((MATHS, "001"), (MATHS, "002"))
    assert report.files[0].file == "-"
    assert files(tmp_path) == {}


def test_a_closed_pipe_passes_through_and_leaves_the_warehouse_usable(
    run: Export, warehouse: Warehouse
) -> None:
    class Closed(BytesIO):
        def write(self, data: object) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        run(Criteria([MATHS]), Closed())
    assert warehouse.query("select 1") == [(1,)]


def test_a_full_disk_behind_standard_output(run: Export) -> None:
    class Full(BytesIO):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ExhaustError, match="Standard output cannot be written: No space left"):
        run(Criteria([MATHS]), Full())


def test_all_courses_but_the_retired(run: Export, tmp_path: Path) -> None:
    report = run(Criteria(all_courses=True))
    assert set(reports(tmp_path)) == {
        "do_1_001_progress_20261123.csv",
        "002_progress_20261123.csv",
        "do_2_001_progress_20261123.csv",
    }
    assert [course.id for course in report.retired] == [RETIRED]
    assert [course.id for course in report.without_batches] == [EMPTY]


def test_a_retired_course_is_refused(run: Export, tmp_path: Path) -> None:
    with pytest.raises(PermissionDenied, match="The request is made for retired collection"):
        run(Criteria([MATHS, RETIRED]))
    assert files(tmp_path) == {}


def test_a_course_without_batches(run: Export, tmp_path: Path) -> None:
    report = run(Criteria([EMPTY]))
    assert [course.id for course in report.without_batches] == [EMPTY]
    assert files(tmp_path) == {}
    run(Criteria([EMPTY]), Path("header.csv"))
    assert reports(tmp_path) == {"header.csv": HEADER}


def test_progress_ends_at_the_whole(run: Export, console: RecordingConsole) -> None:
    run(Criteria([MATHS]))
    assert console.shares == sorted(console.shares)
    assert console.shares[-1] == 1.0


@pytest.mark.parametrize("table", ["courses", "builds"])
def test_without_marts(run: Export, warehouse: Warehouse, settings: Settings, table: str) -> None:
    warehouse.execute(f"drop table {relation(settings.profile.schema, table)}")
    with pytest.raises(DataError, match="Nothing is built"):
        run(Criteria([MATHS]))


def test_without_a_build(run: Export, warehouse: Warehouse, settings: Settings) -> None:
    warehouse.execute(f"delete from {relation(settings.profile.schema, 'builds')}")
    with pytest.raises(DataError, match="Nothing is built"):
        run(Criteria([MATHS]))


def test_the_newest_build_counts(run: Export, warehouse: Warehouse, settings: Settings) -> None:
    add_build(warehouse, settings, "failed", "2026-11-01 11:00")
    assert run(Criteria([MATHS])).files
    add_build(warehouse, settings, "failed", "2026-11-02 11:00", command="test")
    with pytest.raises(DataError, match="2026-11-02 11:00 UTC failed"):
        run(Criteria([MATHS]))


def test_a_running_build_is_waited_for_and_then_an_error(
    run: Export,
    warehouse: Warehouse,
    settings: Settings,
    console: RecordingConsole,
    tmp_path: Path,
) -> None:
    add_build(warehouse, settings, "running", "2026-11-02 11:00")
    clock = ManualClock()
    with pytest.raises(Busy, match="began at 2026-11-02 11:00 UTC and has not ended"):
        run(Criteria([MATHS]), clock=clock)
    # No process can change a DuckDB file that is open here, so there is nothing to wait for.
    is_waited_for = settings.profile.engine != "duckdb"
    assert clock.slept == (LOCK_TIMEOUT_SECONDS if is_waited_for else 0)
    assert len(console.said) == is_waited_for
    assert files(tmp_path) == {}


@pytest.fixture
def other_warehouse(settings_postgres: Settings) -> Iterator[Warehouse]:
    with connect(settings_postgres.profile, writing=True) as opened:
        yield opened


def test_an_export_goes_on_when_the_build_ends_in_time(
    settings_postgres: Settings, other_warehouse: Warehouse, console: RecordingConsole
) -> None:
    create_marts(other_warehouse, settings_postgres)
    add_build(other_warehouse, settings_postgres, "running", "2026-11-02 11:00")
    builds = relation(settings_postgres.profile.schema, "builds")
    end = f"update {builds} set status = 'success'"
    clock = ManualClock(on_sleep=lambda: other_warehouse.execute(end))
    output = BytesIO()
    with open_marts(settings_postgres) as marts:
        export(marts, Criteria([MATHS_2]), Destination(output), console, clock)
    assert output.getvalue().decode() == text((MATHS_2, "001"))
    assert console.said == ["A build that began at 2026-11-02 11:00 UTC is running: waiting ..."]


@pytest.mark.parametrize(("loaded_at", "is_said"), [("11:59", False), ("12:01", True)])
def test_a_load_after_the_build_is_said(
    run: Export,
    warehouse: Warehouse,
    settings: Settings,
    console: RecordingConsole,
    loaded_at: str,
    is_said: bool,
) -> None:
    # A later test of the marts is no build.
    add_build(warehouse, settings, "success", "2026-11-03 12:00", command="test")
    warehouse.execute(f'create schema "{settings.landing_schema}"')
    loads = relation(settings.landing_schema, "loads")
    warehouse.execute(f"create table {loads} (loaded_at timestamp)")
    warehouse.execute(f"insert into {loads} values ('2026-11-01 {loaded_at}')")
    assert run(Criteria([MATHS])).files
    warnings = [line.startswith("warning: data was loaded at") for line in console.said]
    assert warnings == [True] * is_said


def test_rows_that_do_not_reconcile_are_an_error(
    run: Export, warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    progress = relation(settings.profile.schema, "course_progress")
    warehouse.execute(f"delete from {progress} where user_id = 'u2'")
    with pytest.raises(DataError, match="has 1 row, but its batches count 2 learners"):
        run(Criteria([MATHS], batches=["001"]))
    assert files(tmp_path) == {}


def test_more_columns_than_the_engine_has(
    run: Export, warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    most = 1664
    extra = (
        f"('{MATHS_2}', {place}, 'x', 'x{place} - Score', 'score', {place})"
        for place in range(len(PLAN) + 1, most + 1)
    )
    insert(warehouse, settings, "course_report_columns", *extra)
    assert run(Criteria([MATHS_2])).files[0].rows == 1
    more = f"('{MATHS_2}', {most + 1}, 'x', 'one more - Score', 'score', 3)"
    insert(warehouse, settings, "course_report_columns", more)
    if settings.profile.engine == "postgres":
        with pytest.raises(DataError, match="1,665 columns"):
            run(Criteria([MATHS_2]))
    else:
        assert run(Criteria([MATHS_2])).files[0].rows == 1


@pytest.mark.parametrize(
    ("criteria", "destination"),
    [
        (Criteria(), Destination()),
        (Criteria([MATHS], all_courses=True), Destination()),
        (Criteria([MATHS, MATHS_2], batches=["001"]), Destination()),
        (Criteria(all_courses=True, batches=["001"]), Destination()),
        (Criteria([MATHS, MATHS_2]), Destination(Path("x.csv"))),
        (Criteria(all_courses=True), Destination(BytesIO())),
        (Criteria([MATHS]), Destination(Path())),
        (Criteria([MATHS]), Destination(Path("missing/x.csv"))),
    ],
    ids=str,
)
def test_contradictions_are_refused(
    criteria: Criteria, destination: Destination, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def check() -> None:
        criteria.check()
        destination.check(criteria)

    with pytest.raises(UsageError):
        check()


@pytest.mark.parametrize(
    ("criteria", "destination"),
    [
        (Criteria([MATHS]), Destination(BytesIO())),
        (Criteria([MATHS, MATHS_2]), Destination(folder=Path("out"))),
        (Criteria([MATHS], batches=["a", "b"]), Destination(Path("/dev/null"))),
        (Criteria(all_courses=True), Destination()),
    ],
    ids=str,
)
def test_what_fits_together_passes(criteria: Criteria, destination: Destination) -> None:
    criteria.check()
    destination.check(criteria)


def test_a_folder_that_cannot_be_made(run: Export, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        run(Criteria([MATHS]), folder=tmp_path / "file" / "folder")


def test_names_and_ids_are_only_data(
    run: Export, warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    odd = "../'; drop table courses; --{{ 7 * 7 }}"
    for table in ("courses", "course_batches", "course_report_columns", "course_progress"):
        name = relation(settings.profile.schema, table)
        quoted = odd.replace("'", "''")
        warehouse.execute(f"update {name} set course_id = '{quoted}' where course_id = '{MATHS_2}'")
        if table in ("course_batches", "course_progress"):
            warehouse.execute(
                f"update {name} set batch_id = '{quoted}' where course_id = '{quoted}'"
            )
    run(Criteria([odd], batches=[odd]))
    name = "%2E.%2F%27%3B%20drop%20table%20courses%3B%20--%7B%7B%207%20%2A%207%20%7D%7D"
    assert reports(tmp_path) == {
        f"{name}_progress_20261123.csv": HEADER + f"{odd},u1,01/02/2026,1,,,\n"
    }


def test_today_is_the_day_of_the_time_zone() -> None:
    ahead, behind = ZoneInfo("Etc/GMT-14"), ZoneInfo("Etc/GMT+12")
    assert Clock().today(ahead) > Clock().today(behind)


def test_a_request_is_made_of_names(run: Export) -> None:
    with pytest.raises(NotFound):
        run(Criteria(["nothing like it"]))


def test_a_requester_of_the_tenant_gets_all_learners(run: Export, tmp_path: Path) -> None:
    run(Criteria([MATHS], user_id=CREATOR), Path("all.csv"))
    assert reports(tmp_path) == {"all.csv": text((MATHS, "001"), (MATHS, "002"))}


def test_a_requester_of_another_tenant_gets_those_of_his_own(run: Export, tmp_path: Path) -> None:
    report = run(Criteria([MATHS], user_id=MENTOR))
    assert reports(tmp_path) == {"001_progress_20261123.csv": HEADER + LINES[MATHS, "001"][1]}
    assert report.files[0].left_out["outside the tenant"] == 1


def test_a_requester_without_an_organisation_gets_none(run: Export, tmp_path: Path) -> None:
    run(Criteria([MATHS], user_id=HOMELESS))
    assert reports(tmp_path) == {"002_progress_20261123.csv": HEADER}


def test_all_is_all_that_a_requester_may_have(run: Export, tmp_path: Path) -> None:
    run(Criteria(all_courses=True, user_id=MENTOR))
    assert set(reports(tmp_path)) == {"001_progress_20261123.csv"}


@pytest.mark.parametrize(
    ("user", "course", "batches"),
    [("nobody", MATHS, []), (MENTOR, MATHS_2, []), (MENTOR, MATHS, ["001", "002"])],
)
def test_a_refused_requester_gets_nothing(
    run: Export, tmp_path: Path, user: str, course: str, batches: list[str]
) -> None:
    with pytest.raises(PermissionDenied):
        run(Criteria([course], batches=batches, user_id=user))
    assert files(tmp_path) == {}


def test_nobody_is_anonymous_where_that_is_wanted(
    warehouse: Warehouse, settings: Settings, run: Export, tmp_path: Path
) -> None:
    marts = Marts(warehouse, replace(settings, require_requester=True))
    with pytest.raises(PermissionDenied, match="require_requester"):
        export(marts, Criteria([MATHS]), Destination())
    assert files(tmp_path) == {}


def test_a_receipt_says_what_is_in_the_file(
    run: Export, tmp_path: Path, settings: Settings, warehouse: Warehouse
) -> None:
    run(Criteria([MATHS], batches=["001"], user_id=MENTOR))
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
        "data": {"loaded_at": "2026-11-01T00:00:00Z"},
        "build": {
            "id": "2026-11-01 12:00",
            "started_at": "2026-11-01T12:00:00Z",
            "ended_at": None,
        },
        "report_timezone": "Asia/Kolkata",
        "engine": {"name": settings.profile.engine, "version": warehouse.version},
        "exhaust": version("exhaust"),
    }
    assert [column["label"] for column in columns] == [label for _, label, _, _ in PLAN]
    assert [column["kind"] for column in columns] == [kind for _, _, kind, _ in PLAN]
    assert datetime.strptime(exported_at, "%Y-%m-%dT%H:%M:%SZ")


def test_the_receipt_names_the_build_and_not_later_tests(
    run: Export, tmp_path: Path, warehouse: Warehouse, settings: Settings
) -> None:
    add_build(warehouse, settings, "success", "2026-11-03 12:00", command="test")
    report = run(Criteria([MATHS_2]))
    assert report.build.id == "2026-11-01 12:00"


def test_standard_output_and_devices_have_no_receipt(run: Export, tmp_path: Path) -> None:
    for output in (BytesIO(), Path("/dev/null")):
        assert [file.receipt for file in run(Criteria([MATHS]), output).files] == [None]
    assert files(tmp_path) == {}


def test_the_layout_of_sunbird(run: Export, tmp_path: Path) -> None:
    run(Criteria([MATHS], batches=["001"], layout=Layout.SUNBIRD), Path("all.csv"))
    run(Criteria([MATHS], batches=["002"], layout=Layout.SUNBIRD), Path("two.csv"))
    fixed = "Batch Id,User UUID,Enrolment Date,Progress,Total Score"
    long_label = '"do_' + "9" * 70 + ', ""final"" - Score"'
    assert reports(tmp_path) == {
        "all.csv": f"{fixed},do_7 - Score,{long_label}\n"
        "BatchId_001,u1,01/02/2026,100,47%,0%,50%\nBatchId_001,u2,,0,,,\n",
        # Nobody of this batch attempted the other assessment.
        "two.csv": f'{fixed},{long_label}\nBatchId_002,"u,3",31/12/2025,5,10%,10%\n',
    }


def test_the_layout_of_sunbird_looks_at_those_in_the_file_alone(
    run: Export, tmp_path: Path
) -> None:
    run(Criteria([MATHS], user_id=MENTOR, layout=Layout.SUNBIRD))
    (report,) = reports(tmp_path).values()
    assert report == "Batch Id,User UUID,Enrolment Date,Progress,Total Score\nBatchId_001,u2,,0,\n"
