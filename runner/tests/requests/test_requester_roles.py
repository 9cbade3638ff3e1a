"""Roles that `exhaust grant` made, on PostgreSQL: what they may do, and what they try."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from handmade_marts import CREATOR, MATHS, MATHS_2, MENTOR
from ledger_support import new_request
from postgres_roles import granted, query
from requests_support import download_files, reload

from exhaust import api
from exhaust.errors import Busy, NotFound, PermissionDenied, UsageError
from exhaust.project.settings import Settings
from exhaust.requests import at_once
from exhaust.requests.entities import Request, Status
from exhaust.requests.ledger import Ledger


@pytest.fixture
def server(owner: Settings) -> Iterator[Settings]:
    with granted(owner, "server") as settings:
        yield settings


def submit_request(settings: Settings, batches: Sequence[str] = (), user: str = CREATOR) -> Request:
    return api.submit(settings, MATHS, batches=batches, user_id=user)


class TestReader:
    def test_a_report_is_requested_made_and_downloaded(
        self, creator: Settings, worker: Settings
    ) -> None:
        new = submit_request(creator)
        (done,) = api.process(worker)
        assert (done.request_id, done.status) == (new.request_id, Status.SUCCESS)
        assert len(download_files(creator, new)) == 2

    def test_the_id_is_the_one_of_the_owner(self, owner: Settings, creator: Settings) -> None:
        new = submit_request(creator)
        with Ledger.open(owner.profile) as ledger:
            ledger.cancel(new.request_id)
            row = ledger.request(new.request_id)
        by_owner = submit_request(owner)
        assert by_owner.request_id == f"{new.request_id}-2"
        assert replace(
            by_owner, request_id=row.request_id, submitted_at=row.submitted_at
        ) == replace(row, status=Status.SUBMITTED, position=1, completed_at=None)

    def test_an_export_is_recorded(self, owner: Settings, creator: Settings) -> None:
        report = api.export(creator, [MATHS, MATHS_2], user_id=CREATOR)
        requests = {one.course_id: one for one in api.requests(owner)}
        assert {one.status for one in requests.values()} == {Status.SUCCESS}
        assert (requests[MATHS].rows_done, requests[MATHS_2].rows_done) == (3, 1)
        for file in report.files:
            receipt = json.loads(Path(str(file.receipt)).read_text("utf-8"))
            assert receipt["request"] == requests[file.course_id].request_id

    def test_a_failed_export_is_recorded(
        self, owner: Settings, creator: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise NotFound("Enough.")

        monkeypatch.setattr(at_once, "write", fail)
        with pytest.raises(NotFound, match="Enough"):
            api.export(creator, [MATHS], user_id=CREATOR)
        assert [(one.status, one.error) for one in api.requests(owner)] == [
            (Status.FAILED, "Enough.")
        ]

    def test_a_second_request_is_refused(self, creator: Settings) -> None:
        submit_request(creator)
        with pytest.raises(Busy, match=r"by another export of yours and is SUBMITTED, with 0 of 3"):
            submit_request(creator, batches=["001"])

    def test_the_rank_counts_the_requests_of_others(
        self, creator: Settings, mentor: Settings
    ) -> None:
        submit_request(creator)
        assert submit_request(mentor, user=MENTOR).position == 2
        assert [one.position for one in api.requests(mentor)] == [2]

    def test_own_requests_can_be_cancelled(self, owner: Settings, creator: Settings) -> None:
        new = submit_request(creator)
        assert api.cancel(creator, new.request_id).status == Status.CANCELLED
        with pytest.raises(UsageError, match="has ended"):
            api.cancel(creator, new.request_id)
        assert submit_request(owner).status == Status.SUBMITTED

    def test_requests_of_others_are_not_there(self, creator: Settings, mentor: Settings) -> None:
        new = submit_request(creator)
        assert api.requests(mentor) == []
        for call in (api.request, api.cancel):
            with pytest.raises(NotFound):
                call(mentor, new.request_id)
        assert query(mentor, "select * from exhaust_requests.job_request_batch") == []
        assert query(mentor, "select * from exhaust_requests.queue") == []

    def test_the_name_of_another_is_refused(self, owner: Settings, mentor: Settings) -> None:
        with pytest.raises(PermissionDenied, match="may request reports only as m"):
            submit_request(mentor, user=CREATOR)
        with pytest.raises(PermissionDenied, match="only as m"):
            api.export(mentor, [MATHS], user_id=CREATOR)
        assert api.requests(owner) == []
        assert list(Path().iterdir()) == []


ATTACKS = {
    "end another's": "update {ledger}.job_request set status = 'FAILED'",
    "an id that is a path": "update {ledger}.job_request set request_id = '../../x'",
    "a file": "update {ledger}.job_request_batch set file = '/etc/passwd'",
    "a lease": "update {ledger}.job_request set lease_until = 'infinity'",
    "a batch": "insert into {ledger}.job_request_batch select * from {ledger}.job_request_batch",
    "remove": "delete from {ledger}.job_request",
    "truncate": "truncate {ledger}.job_request cascade",
    "a worker": "insert into {ledger}.worker values ('x', now())",
    "the version": "update {ledger}.ledger_version set version = 99",
    "become another": "update {ledger}.granted_role set user_id = 'c'",
    "read who is who": "select * from {ledger}.granted_role",
    "end by a function": "select {ledger}.end_request('{id}', 'FAILED', 'x')",
    "another path": "create table {ledger}.granted_role_2 (a int)",
    "another function": "create function {ledger}.caller_user() returns text return 'c'",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_nobody_but_a_worker_writes_the_tables(
    creator: Settings, mentor: Settings, server: Settings, attack: str
) -> None:
    new = submit_request(creator)
    for attacker in (creator, mentor, server):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            query(attacker, attack.format(ledger="exhaust_requests", id=new.request_id))
    assert reload(creator, new) == new


def submit_by_hand(**changes: object) -> str:
    """Returns the call of the function with values of one's own."""
    request = {
        "dataset": "progress-exhaust",
        "course_id": MATHS,
        "course_name": None,
        "batches": [{"id": "001", "rows": 2}],
        "requester": MENTOR,
        "channel": "k",
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "target": "t",
        "request_data": {"layout": "exhaust", "allLearners": False},
        "form": "",
        **changes,
    }
    text = json.dumps(request).replace("'", "''")
    return f"select exhaust_requests.submit_request('{text}', null)"


NO_REQUESTS: list[dict[str, object]] = [
    {"requester": CREATOR},
    {"requester": None},
    {"batches": []},
    {"batches": [{"id": "", "rows": 1}]},
    {"batches": [{"rows": 1}]},
    {"batches": [{"id": "001", "rows": -1}]},
    {"batches": [{"id": "001", "rows": 10**13}]},
    {"batches": [{"id": str(one), "rows": 1} for one in range(1001)]},
    {"course_id": ""},
    {"course_id": None},
    {"channel": None},
    {"dataset": "../.."},
    {"dataset": None},
    {"day": None},
    {"day": "2020-01-01"},
    {"target": None},
    {"request_data": []},
    {"request_data": None},
    {"request_data": {"layout": "exhaust"}},
    {"request_data": {"layout": "exhaust", "allLearners": "yes"}},
    {"request_data": {"allLearners": True}},
    {"form": None},
    {"form": "xlsx"},
    {"form": "0" * 65},
    {"sealed_password": ""},
    {"sealed_password": "' or 1"},
    {"sealed_password": "A" * 2001},
]


def test_the_function_takes_what_is_a_request(owner: Settings, mentor: Settings) -> None:
    query(mentor, submit_by_hand())
    assert [one.requester for one in api.requests(owner)] == [MENTOR]


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": "t"},
        {"course_id": MATHS_2},
        {"course_id": "do_99"},
        {"batches": [{"id": "002", "rows": 1}]},
        {"batches": [{"id": "001", "rows": 2}, {"id": "002", "rows": 1}]},
        {"batches": [{"id": "001", "rows": 2}, {"id": "001", "rows": 2}]},
    ],
)
def test_a_reader_blocks_no_report_that_it_may_not_have(
    owner: Settings, mentor: Settings, changes: dict[str, object]
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="may not request these batches"):
        query(mentor, submit_by_hand(**changes))
    assert api.requests(owner) == []


@pytest.mark.parametrize("changes", NO_REQUESTS)
def test_the_function_refuses_what_is_no_request(
    owner: Settings, mentor: Settings, changes: dict[str, object]
) -> None:
    with pytest.raises(psycopg.Error):
        query(mentor, submit_by_hand(**changes))
    assert api.requests(owner) == []


class TestAnExportOfAnother:
    @pytest.fixture
    def run(self, creator: Settings) -> Iterator[tuple[str, ...]]:
        """The arguments of an export of the creator that runs."""
        with Ledger.open(creator.profile) as ledger:
            new = new_request(requester=CREATOR, channel="t", day=ledger._tables.now().date())
            request = ledger.submit(new, "w")
            yield request.request_id, "w", "1"

    @pytest.mark.parametrize(
        "call",
        [
            "hold_request('{}', '{}', {}, 1)",
            "finish_batch('{}', '{}', {}, '001', '/x', 1)",
            "end_own_request('{}', '{}', {}, 'x')",
            "cancel_request('{}')",
        ],
    )
    def test_is_not_changed(
        self, owner: Settings, mentor: Settings, run: tuple[str, ...], call: str
    ) -> None:
        before = api.requests(owner)
        ((result,),) = query(mentor, "select exhaust_requests." + call.format(*run))
        assert not result
        assert api.requests(owner) == before

    def test_is_not_looked_at(self, mentor: Settings, run: tuple[str, ...]) -> None:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            query(
                mentor,
                "select exhaust_requests.blocking_request('progress-exhaust', 'do_1', "
                f"array['001'], 'tn', '{CREATOR}', true, '')",
            )


def test_a_server_acts_for_every_user(owner: Settings, server: Settings, worker: Settings) -> None:
    first = submit_request(server)
    second = submit_request(server, user=MENTOR)
    assert api.cancel(server, second.request_id, user_id=MENTOR).status == Status.CANCELLED
    list(api.process(worker))
    assert len(download_files(server, first)) == 2
    assert len(api.requests(server)) == 2
    assert api.export(server, [MATHS], user_id=MENTOR).files


def test_a_worker_does_what_an_owner_does(worker: Settings) -> None:
    first = submit_request(worker)
    (done,) = api.process(worker)
    assert (done.request_id, done.status) == (first.request_id, Status.SUCCESS)
    assert api.export(worker, [MATHS], user_id=MENTOR).files
    for sql in ("delete from {}.job_request", "update {}.granted_role set user_id = 'c'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            query(worker, sql.format("exhaust_requests"))
