import errno
import json
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from handmade_marts import (
    CREATOR,
    EMPTY,
    HEADER,
    LINES,
    MATHS,
    MATHS_2,
    MENTOR,
    PLAN,
    RETIRED,
    WITHOUT_ORGANISATION,
    insert,
    report_text,
)
from support import ManualClock, RecordingConsole, RunExport, files, relation, reports

from exhaust.errors import DataError, ExhaustError, NotFound, PermissionDenied, UsageError
from exhaust.marts.state import Marts
from exhaust.project.settings import Settings
from exhaust.reports.export import export
from exhaust.reports.selection import Criteria, Destination
from exhaust.reports.verify import verify
from exhaust.warehouse import Warehouse

pytestmark = pytest.mark.not_on_spark


def test_export_writes_one_file_per_batch(
    run_export: RunExport, tmp_path: Path, console: RecordingConsole
) -> None:
    report = run_export(Criteria([MATHS]))
    assert reports(tmp_path) == {
        "001_progress_20261123.csv": report_text((MATHS, "001")),
        "002_progress_20261123.csv": report_text((MATHS, "002")),
    }
    first, second = report.files
    assert (first.course_id, first.batches, first.file) == (
        MATHS,
        {"001": 2},
        "001_progress_20261123.csv",
    )
    assert (first.rows, first.bytes) == (2, len(report_text((MATHS, "001"))))
    assert first.left_out == {
        "inactive": 2,
        "no enrolment date": 1,
        "enrolment date unreadable": 4,
        "outside the tenant": 0,
    }
    assert second.rows == 1
    assert console.messages == []


@pytest.mark.parametrize(
    ("courses", "batches", "written", "chosen"),
    [
        (["002"], [], ["002"], ["002"]),
        (["002", " 002"], [], ["002"], ["002"]),
        ([MATHS, "002"], [], ["001", "002"], ["001"]),
        (["002", MATHS], [], ["001", "002"], ["001"]),
        (["002"], ["001"], ["001"], ["001"]),
    ],
    ids=str,
)
def test_the_id_of_a_batch_is_enough(
    run_export: RunExport,
    tmp_path: Path,
    courses: list[str],
    batches: list[str],
    written: list[str],
    chosen: list[str],
) -> None:
    run_export(Criteria(courses, batches=batches))
    assert reports(tmp_path) == {
        f"{one}_progress_20261123.csv": report_text((MATHS, one)) for one in written
    }
    receipt = tmp_path / f"{written[0]}_progress_20261123.csv.receipt.json"
    assert json.loads(receipt.read_text("utf-8"))["filters"]["batches"] == chosen


def test_the_only_batch_of_a_course_is_chosen_by_its_id(
    run_export: RunExport, tmp_path: Path
) -> None:
    with pytest.raises(PermissionDenied, match="retired"):
        run_export(Criteria(["003"]))
    run_export(Criteria(["002"]), output=tmp_path / "one.csv")
    receipt = json.loads((tmp_path / "one.csv.receipt.json").read_text("utf-8"))
    assert receipt["filters"]["batches"] == ["002"]


@pytest.mark.parametrize("courses", [[""], ["\u200b"], [MATHS, " "]], ids=ascii)
def test_an_empty_course_is_refused(
    run_export: RunExport, tmp_path: Path, courses: list[str]
) -> None:
    with pytest.raises(UsageError, match="An empty course"):
        run_export(Criteria(courses))
    with pytest.raises(UsageError, match="An empty batch"):
        run_export(Criteria([MATHS], batches=[" "]))
    assert files(tmp_path) == {}


def test_the_day_in_a_file_name_is_in_the_reports_time_zone(run_export: RunExport) -> None:
    clock = ManualClock()
    clock.time = datetime(2026, 1, 1, 20, tzinfo=UTC)  # In India, it is the 2nd.
    report = run_export(Criteria([MATHS_2]), clock=clock)
    assert report.files[0].file == "001_progress_20260102.csv"


def test_batches_with_the_same_id_do_not_overwrite_each_other(
    run_export: RunExport, tmp_path: Path
) -> None:
    run_export(Criteria([MATHS, "mathematics ii"]), folder=tmp_path / "a" / "b")
    assert reports(tmp_path / "a" / "b") == {
        "do_1_001_progress_20261123.csv": report_text((MATHS, "001")),
        "002_progress_20261123.csv": report_text((MATHS, "002")),
        "do_2_001_progress_20261123.csv": report_text((MATHS_2, "001")),
    }


def test_a_course_named_twice_is_exported_once(run_export: RunExport) -> None:
    assert len(run_export(Criteria([MATHS_2, "Mathematics II"])).files) == 1


def test_batches_are_chosen_by_id_and_name(run_export: RunExport, tmp_path: Path) -> None:
    run_export(Criteria([MATHS], batches=["second", "002"]))
    assert list(reports(tmp_path)) == ["002_progress_20261123.csv"]


def test_an_unknown_batch_cannot_be_exported(run_export: RunExport) -> None:
    with pytest.raises(NotFound):
        run_export(Criteria([MATHS], batches=["999"]))


def test_one_file_holds_all_batches_in_order(run_export: RunExport, tmp_path: Path) -> None:
    report = run_export(Criteria([MATHS]), Path("all.csv"))
    assert reports(tmp_path) == {"all.csv": report_text((MATHS, "001"), (MATHS, "002"))}
    assert report.files[0].batches == {"001": 2, "002": 1}
    assert report.files[0].rows == 3


def test_one_file_holds_the_batches_chosen(run_export: RunExport, tmp_path: Path) -> None:
    run_export(Criteria([MATHS], batches=["002"]), Path("one.csv"))
    assert reports(tmp_path) == {"one.csv": report_text((MATHS, "002"))}


def test_export_writes_to_standard_output(run_export: RunExport, tmp_path: Path) -> None:
    output = BytesIO()
    report = run_export(Criteria([MATHS]), output)
    assert output.getvalue().decode() == report_text((MATHS, "001"), (MATHS, "002"))
    assert report.files[0].file == "-"
    assert files(tmp_path) == {}


def test_a_closed_pipe_leaves_the_warehouse_usable(
    run_export: RunExport, warehouse: Warehouse
) -> None:
    class Closed(BytesIO):
        def write(self, data: object) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        run_export(Criteria([MATHS]), Closed())
    assert warehouse.query("select 1") == [(1,)]


def test_a_full_disk_behind_standard_output_is_an_error(run_export: RunExport) -> None:
    class Full(BytesIO):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ExhaustError, match="Standard output cannot be written: No space left"):
        run_export(Criteria([MATHS]), Full())


def test_export_of_all_courses_skips_retired_ones(run_export: RunExport, tmp_path: Path) -> None:
    report = run_export(Criteria(all_courses=True))
    assert set(reports(tmp_path)) == {
        "do_1_001_progress_20261123.csv",
        "002_progress_20261123.csv",
        "do_2_001_progress_20261123.csv",
    }
    assert [course.id for course in report.retired] == [RETIRED]
    assert [course.id for course in report.without_batches] == [EMPTY]


def test_export_refuses_a_retired_course(run_export: RunExport, tmp_path: Path) -> None:
    with pytest.raises(PermissionDenied, match="The request is made for retired collection"):
        run_export(Criteria([MATHS, RETIRED]))
    assert files(tmp_path) == {}


def test_a_course_without_batches_has_no_files_per_batch(
    run_export: RunExport, tmp_path: Path
) -> None:
    report = run_export(Criteria([EMPTY]))
    assert [course.id for course in report.without_batches] == [EMPTY]
    assert files(tmp_path) == {}
    run_export(Criteria([EMPTY]), Path("header.csv"))
    assert reports(tmp_path) == {"header.csv": HEADER}


def test_progress_ends_at_one(run_export: RunExport, console: RecordingConsole) -> None:
    run_export(Criteria([MATHS]))
    assert console.shares == sorted(console.shares)
    assert console.shares[-1] == 1.0


def test_a_missing_row_is_an_error(
    run_export: RunExport, warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    progress = relation(settings.profile.schema, "course_progress")
    warehouse.execute(f"delete from {progress} where user_id = 'u2'")
    with pytest.raises(DataError, match="has 1 row, but its batches count 2 learners"):
        run_export(Criteria([MATHS], batches=["001"]))
    assert files(tmp_path) == {}


def test_more_columns_than_the_engine_allows_are_refused(
    run_export: RunExport, warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    most = 1664
    extra = (
        f"('{MATHS_2}', {ordinal}, 'x', 'x{ordinal} - Score', 'score', {ordinal}, null)"
        for ordinal in range(len(PLAN) + 1, most + 1)
    )
    insert(warehouse, settings, "course_report_columns", *extra)
    assert run_export(Criteria([MATHS_2])).files[0].rows == 1
    more = f"('{MATHS_2}', {most + 1}, 'x', 'one more - Score', 'score', 3, null)"
    insert(warehouse, settings, "course_report_columns", more)
    if settings.profile.engine == "postgres":
        with pytest.raises(DataError, match="1,665 columns"):
            run_export(Criteria([MATHS_2]))
    else:
        assert run_export(Criteria([MATHS_2])).files[0].rows == 1


def test_a_folder_that_cannot_be_created_is_an_error(run_export: RunExport, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        run_export(Criteria([MATHS]), folder=tmp_path / "file" / "folder")


def test_names_and_ids_are_never_code(
    run_export: RunExport, warehouse: Warehouse, settings: Settings, tmp_path: Path
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
    run_export(Criteria([odd], batches=[odd]))
    name = "%2E.%2F%27%3B%20drop%20table%20courses%3B%20--%7B%7B%207%20%2A%207%20%7D%7D"
    assert reports(tmp_path) == {
        f"{name}_progress_20261123.csv": HEADER + f"{odd},u1,01/02/2026,1,,,\n"
    }


def test_a_long_id_is_no_error_for_all_the_others(
    run_export: RunExport, warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    """Percent-encoded, it would be longer than a name of a file may be."""
    for table in ("course_batches", "course_progress"):
        name = relation(settings.profile.schema, table)
        warehouse.execute(f"update {name} set batch_id = '{'க' * 60}' where batch_id = '002'")
    report = run_export(Criteria(all_courses=True))
    (long,) = (file.file for file in report.files if "~" in file.file)
    assert len(report.files) == 3
    assert verify(tmp_path / long).is_unchanged


def test_an_unknown_course_is_an_error(run_export: RunExport) -> None:
    with pytest.raises(NotFound):
        run_export(Criteria(["nothing like it"]))


def test_a_requester_of_the_tenant_gets_all_learners(run_export: RunExport, tmp_path: Path) -> None:
    run_export(Criteria([MATHS], user_id=CREATOR), Path("all.csv"))
    assert reports(tmp_path) == {"all.csv": report_text((MATHS, "001"), (MATHS, "002"))}


def test_a_requester_of_another_tenant_gets_only_their_own_learners(
    run_export: RunExport, tmp_path: Path
) -> None:
    report = run_export(Criteria([MATHS], user_id=MENTOR))
    assert reports(tmp_path) == {"001_progress_20261123.csv": HEADER + LINES[MATHS, "001"][1]}
    assert report.files[0].left_out["outside the tenant"] == 1


def test_a_requester_without_an_organisation_gets_no_learners(
    run_export: RunExport, tmp_path: Path
) -> None:
    run_export(Criteria([MATHS], user_id=WITHOUT_ORGANISATION))
    assert reports(tmp_path) == {"002_progress_20261123.csv": HEADER}


def test_export_of_all_courses_is_limited_to_the_requesters(
    run_export: RunExport, tmp_path: Path
) -> None:
    run_export(Criteria(all_courses=True, user_id=MENTOR))
    assert set(reports(tmp_path)) == {"001_progress_20261123.csv"}


@pytest.mark.parametrize(
    ("user", "course", "batches"),
    [("nobody", MATHS, []), (MENTOR, MATHS_2, []), (MENTOR, MATHS, ["001", "002"])],
)
def test_a_refused_requester_gets_no_file(
    run_export: RunExport, tmp_path: Path, user: str, course: str, batches: list[str]
) -> None:
    with pytest.raises(PermissionDenied):
        run_export(Criteria([course], batches=batches, user_id=user))
    assert files(tmp_path) == {}


def test_require_requester_refuses_an_export_without_a_user_id(
    warehouse: Warehouse, settings: Settings, run_export: RunExport, tmp_path: Path
) -> None:
    marts = Marts(warehouse, replace(settings, require_requester=True))
    with pytest.raises(PermissionDenied, match="require_requester"):
        export(marts, Criteria([MATHS]), Destination())
    assert files(tmp_path) == {}
