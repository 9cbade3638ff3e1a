"""Passwords of requests on PostgreSQL: what readers, servers and workers see of them."""

from pathlib import Path

import psycopg
import pytest
from handmade_marts import CREATOR, MATHS
from postgres_roles import query
from requests_support import download_files

from exhaust import api
from exhaust.errors import Busy, PermissionDenied
from exhaust.project.settings import Settings
from exhaust.reports.form import ReportForm
from exhaust.reports.formats import Format
from exhaust.reports.protection import opened
from exhaust.requests.entities import Status
from exhaust.requests.ledger import Ledger

PASSWORD = "Xq7-correct horse"
SEALED = "select encryption_key from exhaust_requests.job_request where encryption_key is not null"


@pytest.fixture
def worker(worker: Settings) -> Settings:
    """A worker that has published its key."""
    assert list(api.process(worker)) == []
    return worker


def test_a_reader_seals_a_password_to_the_workers_key(
    creator: Settings, mentor: Settings, worker: Settings, tmp_path: Path
) -> None:
    new = api.submit(creator, MATHS, batches=["002"], user_id=CREATOR, password=PASSWORD)
    ((found,),) = query(worker, SEALED)
    assert PASSWORD not in found
    assert query(mentor, SEALED) == []
    (done,) = api.process(worker)
    assert (done.request_id, done.status, done.error) == (new.request_id, Status.SUCCESS, None)
    assert query(worker, SEALED) == []
    (file,) = download_files(creator, new)
    assert opened(file, PASSWORD, tmp_path).is_file()


def test_a_reader_sees_the_public_key_and_cannot_replace_it(
    creator: Settings, worker: Settings
) -> None:
    (seen,) = api.workers(creator)
    assert seen.public_key
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        query(creator, "update exhaust_requests.worker set public_key = 'mine'")


@pytest.mark.parametrize("end", ["cancel", "fail", "replace"])
def test_the_functions_forget_it(
    owner: Settings, creator: Settings, worker: Settings, end: str
) -> None:
    new = api.submit(creator, MATHS, user_id=CREATOR, password=PASSWORD)
    assert len(query(owner, SEALED)) == 1
    if end == "cancel":
        api.cancel(creator, new.request_id, user_id=CREATOR)
    elif end == "fail":
        with Ledger.open(owner.profile) as ledger:
            claim = ledger.claim("w")
        assert claim
        query(
            creator,
            f"select exhaust_requests.end_own_request('{new.request_id}', 'w', 1, 'no')",
        )
    else:
        query(owner, "update exhaust_requests.job_request set status = 'DONE'")
        api.submit(creator, MATHS, user_id=CREATOR, password=PASSWORD)
    assert len(query(owner, SEALED)) == (end == "replace")


def test_forms_wait_next_to_each_other_with_the_ids_of_the_owner(
    owner: Settings, creator: Settings
) -> None:
    form = ReportForm(format=Format.XLSX, columns=("User UUID", "Batch ID"))
    ids = [api.submit(creator, MATHS, user_id=CREATOR, form=one).request_id for one in (None, form)]
    with Ledger.open(owner.profile) as ledger:
        assert ledger.claim("w")
    with pytest.raises(Busy, match="is PROCESSING"):
        api.submit(creator, MATHS, user_id=CREATOR)
    with pytest.raises(Busy, match="is SUBMITTED"):
        api.submit(creator, MATHS, user_id=CREATOR, form=form)
    for one in ids:
        api.cancel(creator, one, user_id=CREATOR)
    again = [api.submit(owner, MATHS, user_id=CREATOR, form=one).request_id for one in (None, form)]
    assert again == [f"{one}-2" for one in ids]


def test_another_requests_password_is_not_taken(creator: Settings, mentor: Settings) -> None:
    with pytest.raises(PermissionDenied, match="may request reports only as"):
        api.submit(mentor, MATHS, user_id=CREATOR, form=ReportForm(format=Format.XLSX))
