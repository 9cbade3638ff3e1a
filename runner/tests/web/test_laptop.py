"""The way in on one's own machine, by a token that works once."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from web_support import browser_of, csrf_of, shut_site

from exhaust.errors import PermissionDenied, UsageError
from exhaust.web.identity.laptop import Laptop, opening_page
from exhaust.web.server import Address, check, make_site


@pytest.fixture
def identity() -> Laptop:
    return Laptop(None)


@pytest.fixture
def client(identity: Laptop) -> TestClient:
    return browser_of(shut_site(identity))


def test_strangers_are_sent_to_sign_in_and_back(client: TestClient) -> None:
    answer = client.get("/who?q=a%26b")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/who%3Fq%3Da%2526b"


def test_a_part_of_a_page_tells_the_page_to_sign_in(client: TestClient) -> None:
    answer = client.get("/who", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")


def test_a_token_is_swapped_for_a_session(client: TestClient, identity: Laptop) -> None:
    answer = client.get(f"/sign-in?token={identity.new_token()}&next=/who")
    assert (answer.status_code, answer.headers["location"]) == (303, "/who")
    assert answer.headers["referrer-policy"] == "no-referrer"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("exhaust-8765=")
    assert {"HttpOnly", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    assert client.get("/who").json() == [None, True, "operator"]


def test_one_user_is_not_the_operator() -> None:
    identity = Laptop("c")
    client = browser_of(shut_site(identity))
    client.get(f"/sign-in?token={identity.new_token()}")
    assert client.get("/who").json() == ["c", False, "c"]


def test_a_token_works_once(client: TestClient, identity: Laptop) -> None:
    token = identity.new_token()
    client.get(f"/sign-in?token={token}")
    client.cookies.clear()
    assert client.get(f"/sign-in?token={token}").status_code == 403
    assert client.get("/who").status_code == 303


def test_a_new_token_replaces_the_one_before(client: TestClient, identity: Laptop) -> None:
    old, new = identity.new_token(), identity.new_token()
    assert client.get(f"/sign-in?token={old}").status_code == 403
    assert client.get(f"/sign-in?token={new}").status_code == 303


@pytest.mark.parametrize("token", ["", "x", "None"])
def test_other_tokens_are_refused(client: TestClient, identity: Laptop, token: str) -> None:
    assert client.get(f"/sign-in?token={token}").status_code == 403
    identity.new_token()
    assert client.get(f"/sign-in?token={token}").status_code == 403


def test_a_cookie_is_worth_nothing_after_signing_out(client: TestClient, identity: Laptop) -> None:
    client.get(f"/sign-in?token={identity.new_token()}")
    kept = dict(client.cookies)
    client.post("/sign-out", data={"csrf": csrf_of(client.get("/nowhere").text)})
    client.cookies.update(kept)
    assert client.get("/who").status_code == 303


def test_a_cookie_of_another_server_on_the_port_is_worth_nothing(identity: Laptop) -> None:
    first, second = browser_of(shut_site(identity)), browser_of(shut_site(identity))
    first.get(f"/sign-in?token={identity.new_token()}")
    second.cookies.update(dict(first.cookies))
    assert first.get("/who").status_code == 200
    assert second.get("/who").status_code == 303


def test_the_browsers_page_leads_to_the_address_and_says_nothing_of_it() -> None:
    page = opening_page("http://127.0.0.1:1/sign-in?token=a&b")
    assert 'content="0; url=http://127.0.0.1:1/sign-in?token=a&amp;b"' in page
    assert 'name="referrer" content="no-referrer"' in page


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "reports.example.org", "unix:/s"])
def test_other_addresses_need_another_way_in(host: str) -> None:
    with pytest.raises(UsageError, match="could try to get in"):
        check(shut_site(Laptop(None)).project, Address(host, 8765), None)


def test_a_project_that_requires_a_user_id_has_no_operator_on_a_laptop() -> None:
    project = replace(shut_site(Laptop(None)).project, require_requester=True)
    address = Address("127.0.0.1", 8765)
    with pytest.raises(PermissionDenied, match="requires a user ID"):
        check(project, address, None)
    check(project, address, "c")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_the_machines_own_addresses_are_fine(host: str) -> None:
    check(shut_site(Laptop(None)).project, Address(host, 8765), None)


def test_the_key_is_made_once_and_only_the_owner_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EXHAUST_SESSION_KEY", raising=False)
    project = shut_site(Laptop(None)).project
    object.__setattr__(project, "work_dir", tmp_path)
    first = make_site(project, Address("127.0.0.1", 0), 1234, None)
    second = make_site(project, Address("127.0.0.1", 0), 1234, None)
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first.keys == second.keys
    assert first.hosts == {"127.0.0.1:1234", "localhost:1234", "[::1]:1234"}
