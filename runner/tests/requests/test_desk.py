from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from handmade_marts import CREATOR, EMPTY, MATHS, MATHS_2, MENTOR, RETIRED
from requests_support import (
    DAY,
    download_files,
    execute,
    process_requests,
    report_text,
    submit_request,
)

from exhaust.errors import Busy, NotFound, PermissionDenied, UsageError
from exhaust.project.settings import Settings
from exhaust.reports.form import ReportForm
from exhaust.reports.layout import Layout
from exhaust.reports.verify import verify
from exhaust.requests.entities import mark_of, request_id
from exhaust.requests.ledger import Ledger

pytestmark = pytest.mark.not_on_spark


class TestSubmit:
    def test_a_request_records_what_was_requested(self, project: Settings) -> None:
        new = submit_request(project, "mathematics", ["second"], layout=Layout.SUNBIRD)
        assert new.request_id == request_id(
            "progress-exhaust",
            MATHS,
            ["002"],
            CREATOR,
            "t",
            DAY,
            project.profile.target,
            mark_of(ReportForm(Layout.SUNBIRD)),
        )
        assert (new.course_id, new.course_name, new.batch_ids) == (MATHS, "Mathematics", ["002"])
        assert (new.requester, new.channel, new.rows_expected) == (CREATOR, "t", 1)
        assert new.request_data == {
            "collectionId": MATHS,
            "batchId": ["002"],
            "layout": "sunbird",
            "allLearners": True,
            "batchNames": {"002": "Second"},
            "roles": {"002": "course creator"},
        }

    def test_a_request_without_batches_is_for_all_that_the_user_may_see(
        self, project: Settings
    ) -> None:
        assert submit_request(project).batch_ids == ["001", "002"]
        mentors = submit_request(project, user=MENTOR)
        assert (mentors.batch_ids, mentors.rows_expected, mentors.channel) == (["001"], 1, "k")
        assert mentors.request_data["allLearners"] is False

    @pytest.mark.parametrize(
        ("course", "user", "error"),
        [
            (MATHS, "nobody", PermissionDenied),
            (MATHS_2, MENTOR, PermissionDenied),
            (RETIRED, CREATOR, PermissionDenied),
            (EMPTY, CREATOR, PermissionDenied),
            ("do_99", CREATOR, NotFound),
        ],
    )
    def test_a_report_that_the_user_may_not_see_is_refused(
        self, project: Settings, course: str, user: str, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            submit_request(project, course, user=user)
        assert process_requests(project) == []

    def test_a_course_without_batches_is_refused(self, project: Settings) -> None:
        execute(project, "delete from {schema}.requester_batches")
        with pytest.raises(NotFound, match="do_1 Mathematics has no batches"):
            submit_request(project)

    def test_too_many_batches_are_refused(self, project: Settings) -> None:
        with pytest.raises(UsageError, match=r"2 batches of do_1; the project allows 1 "):
            submit_request(replace(project, max_batches_per_request=1))
        submit_request(replace(project, max_batches_per_request=1), batches=["001"])

    @pytest.mark.parametrize(
        ("first", "by"),
        [(CREATOR, "the course's creator"), (MENTOR, "a mentor of the batch")],
    )
    def test_a_refused_requester_learns_the_role_of_who_was_first(
        self, project: Settings, first: str, by: str
    ) -> None:
        execute(project, "update {schema}.requesters set root_org_id = 't'")
        submit_request(project, batches=["001"], user=first)
        second = MENTOR if first == CREATOR else CREATOR
        with pytest.raises(Busy, match=f"batch 001 was requested at .* by {by} and is SUBMITTED"):
            submit_request(project, batches=["001"], user=second)
        with pytest.raises(Busy, match="by another export of yours and is SUBMITTED"):
            submit_request(project, batches=["001"], user=first)

    def test_the_id_of_a_batch_is_enough(self, project: Settings) -> None:
        new = submit_request(project, " 002\u200b")
        assert (new.course_id, new.batch_ids) == (MATHS, ["002"])
        (done,) = process_requests(project)
        assert Path(done.files["002"]).read_text("utf-8") == report_text("002")

    def test_a_second_request_is_refused(self, project: Settings) -> None:
        submit_request(project)
        with pytest.raises(Busy, match="being processed"):
            submit_request(project, batches=["002"])


class TestDownload:
    def test_files_are_copied_with_their_receipts(self, project: Settings, tmp_path: Path) -> None:
        submit_request(project)
        (done,) = process_requests(project)
        for user in (CREATOR, None):
            files = download_files(project, done, user, folder=tmp_path / f"of {user}")
            assert [file.name for file in files] == [
                "001_progress_20261123.csv",
                "002_progress_20261123.csv",
            ]
            assert [file.read_text("utf-8") for file in files] == [
                report_text("001"),
                report_text("002"),
            ]
            assert all(verify(file).is_unchanged for file in files)

    def test_one_file_can_get_another_name(self, project: Settings) -> None:
        submit_request(project, batches=["002"])
        (done,) = process_requests(project)
        (file,) = download_files(project, done, output=Path("mine.csv"))
        assert (file, verify(file).is_unchanged) == (Path("mine.csv"), True)
        submit_request(project)
        (done,) = process_requests(project)
        with pytest.raises(UsageError, match="2 files, but one output was given"):
            download_files(project, done, output=Path("mine.csv"))

    def test_one_file_can_go_to_standard_output(self, project: Settings) -> None:
        submit_request(project, batches=["002"])
        (done,) = process_requests(project)
        standard_output = BytesIO()
        assert download_files(project, done, output=standard_output) == []
        assert standard_output.getvalue().decode() == report_text("002")
        assert list(Path().iterdir()) == []

    def test_a_file_without_its_receipt_is_not_found(self, project: Settings) -> None:
        submit_request(project, batches=["002"])
        (done,) = process_requests(project)
        Path(f"{done.files['002']}.receipt.json").unlink()
        with pytest.raises(NotFound, match="has no files in the folder of results"):
            download_files(project, done)

    def test_a_folder_as_output_is_refused(self, project: Settings) -> None:
        submit_request(project, batches=["002"])
        (done,) = process_requests(project)
        for path in (".", "nowhere/one.csv"):
            with pytest.raises(UsageError, match="folder"):
                download_files(project, done, output=Path(path))

    def test_an_unfinished_request_has_no_files(self, project: Settings) -> None:
        new = submit_request(project)
        with pytest.raises(Busy, match="it is SUBMITTED, with 0 of 3 rows"):
            download_files(project, new)
        with Ledger.open(project.profile) as ledger:
            ledger.cancel(new.request_id)
        with pytest.raises(NotFound, match="no files: it is CANCELLED"):
            download_files(project, new)

    def test_requests_of_others_are_not_found(self, project: Settings) -> None:
        submit_request(project)
        (done,) = process_requests(project)
        with pytest.raises(NotFound, match="no request"):
            download_files(project, done, MENTOR)

    @pytest.mark.parametrize(
        "lost",
        [
            "delete from {schema}.requester_batches where user_id = 'c' and batch_id = '002'",
            "delete from {schema}.requesters where user_id = 'c'",
            "update {schema}.courses set status = 'Retired' where course_id = 'do_1'",
            "update {schema}.requesters set root_org_id = 'k' where user_id = 'c'",
            "update {schema}.requester_batches set sees_all_learners = false where user_id = 'c'",
        ],
    )
    def test_lost_rights_are_refused(self, project: Settings, lost: str) -> None:
        submit_request(project)
        (done,) = process_requests(project)
        execute(project, lost)
        with pytest.raises(PermissionDenied):
            download_files(project, done)
        assert list(Path().iterdir()) == []
