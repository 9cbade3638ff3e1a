"""The way in by the organisation's provider (OpenID Connect)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from handmade_marts import CREATOR
from joserfc.jwk import RSAKey
from oidc_support import (
    CLIENT,
    LyingProvider,
    come_back,
    path_of,
    query_of,
    real_provider,
    sign_in,
)
from starlette.testclient import TestClient
from support import ManualClock
from web_support import browser_of, csrf_of, shut_site

from exhaust.console import SYSTEM_CLOCK, Clock
from exhaust.errors import UsageError
from exhaust.web.identity.login import Login
from exhaust.web.identity.oidc import REFRESH_SECONDS, Provider

URL = "https://reports.example.org"


def login(issuer: str, clock: Clock = SYSTEM_CLOCK, **options: Any) -> Login:
    return Login(Provider(issuer, CLIENT, "s3cret", clock), **options)


@pytest.fixture
def liar() -> Iterator[LyingProvider]:
    with LyingProvider().running() as provider:
        yield provider


@pytest.fixture
def client(liar: LyingProvider) -> TestClient:
    return browser_of(shut_site(login(liar.issuer, ManualClock()), URL))


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def claims_for(client: TestClient, liar: LyingProvider) -> tuple[dict[str, Any], str]:
    """Begins to sign in; returns the claims that would be right, and the path of the callback."""
    sent = query_of(client.get("/sign-in").headers["location"])
    now = int(ManualClock().now().timestamp())
    claims = {
        "iss": liar.issuer,
        "aud": CLIENT,
        "sub": CREATOR,
        "iat": now,
        "exp": now + 300,
        "nonce": sent["nonce"],
    }
    return claims, f"/sign-in/callback?code=c&state={sent['state']}"


@pytest.mark.parametrize("with_kid", [False, True])
def test_a_user_of_the_provider_gets_in_and_back_to_the_page(with_kid: bool) -> None:
    with real_provider(with_kid=with_kid) as issuer:
        client = browser_of(shut_site(login(issuer), URL))
        answer = sign_in(client, "f:1234:c", "/who")
        assert (answer.status_code, answer.headers["location"]) == (303, "/who")
        assert client.get("/who").json() == ["c", False, "c"]


def test_the_cookie_is_the_servers_own_and_no_script_reads_it() -> None:
    with real_provider() as issuer:
        client = browser_of(shut_site(login(issuer), URL))
        cookie = sign_in(client, "c").headers["set-cookie"]
    assert cookie.startswith("__Host-exhaust=")
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= {
        part.strip() for part in cookie.split(",")[0].split(";")
    }


@pytest.mark.parametrize(
    ("claim", "claims", "user_id"),
    [
        ("", {"sub": "f:5a8a3f2b:c-1"}, "c-1"),
        ("", {"sub": "c-1"}, "c-1"),
        ("uid", {"sub": "f:5a8a3f2b:other", "uid": "c-1"}, "c-1"),
    ],
)
def test_the_configured_claim_holds_the_user_id(
    liar: LyingProvider, claim: str, claims: dict[str, str], user_id: str
) -> None:
    client = browser_of(shut_site(login(liar.issuer, ManualClock(), user_claim=claim), URL))
    right, path = claims_for(client, liar)
    liar.sign({**right, **claims}, kid="known")
    assert client.get(path).status_code == 303
    assert client.get("/who").json()[0] == user_id


@pytest.mark.parametrize("sub", ["f:5a8a3f2b:", " ", ":"])
def test_a_token_without_a_user_id_signs_nobody_in(
    client: TestClient, liar: LyingProvider, sub: str
) -> None:
    right, path = claims_for(client, liar)
    liar.sign({**right, "sub": sub})
    assert client.get(path).status_code == 403


def test_listed_operators_are_operators(liar: LyingProvider) -> None:
    client = browser_of(shut_site(login(liar.issuer, ManualClock(), operators=["c"]), URL))
    right, path = claims_for(client, liar)
    liar.sign({**right, "realm_access": {"roles": ["admin"]}})
    client.get(path)
    assert client.get("/who").json() == ["c", True, "c"]


def test_roles_in_a_token_give_nothing(client: TestClient, liar: LyingProvider) -> None:
    right, path = claims_for(client, liar)
    liar.sign({**right, "realm_access": {"roles": ["admin", "operator"]}, "is_operator": True})
    client.get(path)
    assert client.get("/who").json() == ["c", False, "c"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "another-client"},
        {"aud": []},
        {"iss": "https://other.example.org"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": int(ManualClock().now().timestamp()) - 61},
        {"exp": None},
        {"sub": None},
        {"aud": [CLIENT, "another-client"], "azp": "another-client"},
    ],
    ids=str,
)
def test_a_token_of_somebody_or_something_else_is_refused(
    client: TestClient, liar: LyingProvider, wrong: dict[str, Any]
) -> None:
    right, path = claims_for(client, liar)
    claims = {**right, **wrong}
    liar.sign({name: value for name, value in claims.items() if value is not None})
    assert client.get(path).status_code == 403
    assert client.get("/who").status_code == 303


def test_the_token_that_the_others_differ_from_is_accepted(
    client: TestClient, liar: LyingProvider
) -> None:
    right, path = claims_for(client, liar)
    liar.sign({**right, "exp": right["iat"] - 59})
    assert client.get(path).status_code == 303
    assert client.get("/who").status_code == 200


def test_forged_signatures_are_refused(client: TestClient, liar: LyingProvider) -> None:
    other = RSAKey.generate_key(2048)
    headers: list[dict[str, str]] = [{}, {"kid": "known"}, {"kid": "unknown"}]
    for header in headers:
        right, path = claims_for(client, liar)
        liar.sign(right, other, **header)
        assert client.get(path).status_code == 403


@pytest.mark.parametrize("header", [{"alg": "HS256"}, {"alg": "HS256", "kid": "known"}], ids=str)
def test_the_public_key_is_no_secret_to_sign_with(
    client: TestClient, liar: LyingProvider, header: dict[str, str]
) -> None:
    right, path = claims_for(client, liar)
    signed = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(right).encode())}"
    signature = hmac.digest(liar.key.as_pem(private=False), signed.encode(), "sha256")
    liar.id_token = f"{signed}.{encoded(signature)}"
    assert client.get(path).status_code == 403


def test_unsigned_tokens_are_refused(client: TestClient, liar: LyingProvider) -> None:
    right, path = claims_for(client, liar)
    liar.sign(right)
    head = encoded(b'{"alg":"none"}')
    for token in (f"{head}.{liar.id_token.split('.')[1]}.", "", "nonsense", "a.b.c"):
        liar.id_token = token
        _, path = claims_for(client, liar)
        assert client.get(path).status_code == 403


def test_a_changed_key_is_fetched_again_but_not_all_the_time(liar: LyingProvider) -> None:
    clock = ManualClock()
    client = browser_of(shut_site(Login(Provider(liar.issuer, CLIENT, None, clock)), URL))
    right, path = claims_for(client, liar)
    liar.sign(right, kid="known")
    assert client.get(path).status_code == 303
    new = RSAKey.generate_key(2048, {"kid": "new"})
    for _ in range(3):
        right, path = claims_for(client, liar)
        liar.sign(right, new, kid="new")
        assert client.get(path).status_code == 403
    assert liar.key_requests == 1
    liar.published.append(dict(new.as_dict(private=False)))
    clock.sleep(REFRESH_SECONDS)
    right, path = claims_for(client, liar)
    liar.sign(right, new, kid="new")
    assert client.get(path).status_code == 303


def test_the_code_is_bound_to_this_server_by_pkce(client: TestClient, liar: LyingProvider) -> None:
    sent = query_of(client.get("/sign-in").headers["location"])
    client.get(f"/sign-in/callback?code=c&state={sent['state']}")
    (asked,) = liar.token_requests
    digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
    assert (sent["code_challenge_method"], sent["code_challenge"]) == ("S256", encoded(digest))
    assert asked["authorization"].startswith("Basic ")
    assert asked["redirect_uri"] == f"{URL}/sign-in/callback"


@pytest.mark.parametrize("state", ["", "another"])
def test_an_answer_to_another_attempt_is_refused(
    client: TestClient, liar: LyingProvider, state: str
) -> None:
    right, _ = claims_for(client, liar)
    liar.sign(right)
    assert client.get(f"/sign-in/callback?code=c&state={state}").status_code == 403
    assert liar.token_requests == []


def test_a_stolen_answer_signs_nobody_else_in() -> None:
    """An attacker's code, brought to another browser, would sign that in as the attacker."""
    with real_provider() as issuer:
        site = shut_site(login(issuer), URL)
        attacker, victim = browser_of(site), browser_of(site)
        path = come_back(attacker.get("/sign-in").headers["location"], "attacker")
        victim.get("/sign-in")
        assert victim.get(path).status_code == 403
        assert victim.get("/who").status_code == 303


def test_an_answer_works_once() -> None:
    with real_provider() as issuer:
        client = browser_of(shut_site(login(issuer), URL))
        path = come_back(client.get("/sign-in").headers["location"], "c")
        kept = dict(client.cookies)
        assert client.get(path).status_code == 303
        client.cookies.clear()
        client.cookies.update(kept)
        assert client.get(path).status_code == 403


def test_a_sign_in_that_takes_too_long_is_refused(
    liar: LyingProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser_of(shut_site(login(liar.issuer, ManualClock()), URL))
    right, path = claims_for(client, liar)
    liar.sign(right)
    monkeypatch.setattr("exhaust.web.identity.login.ATTEMPT_SECONDS", -1)
    assert client.get(path).status_code == 403


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "x"])
def test_signing_in_leads_to_no_other_site(path: str) -> None:
    with real_provider() as issuer:
        client = browser_of(shut_site(login(issuer), URL))
        assert sign_in(client, "c", path).headers["location"] == "/"


def test_a_cookie_is_worth_nothing_after_signing_out(liar: LyingProvider) -> None:
    client = browser_of(shut_site(login(liar.issuer, ManualClock()), URL))
    right, path = claims_for(client, liar)
    liar.sign(right)
    client.get(path)
    kept = dict(client.cookies)
    form = {"csrf": csrf_of(client.get("/nowhere").text)}
    assert client.post("/sign-out", data=form).headers["location"] == "/signed-out"
    assert f"{liar.issuer}/logout?client_id=exhaust" in client.get("/signed-out").text
    client.cookies.update(kept)
    assert client.get("/who").status_code == 303


def test_a_session_ends_after_eight_hours(liar: LyingProvider) -> None:
    clock = ManualClock()
    client = browser_of(shut_site(login(liar.issuer, ManualClock()), URL, clock))
    right, path = claims_for(client, liar)
    liar.sign(right)
    client.get(path)
    clock.pass_by(timedelta(hours=8, seconds=-1))
    assert client.get("/who").status_code == 200
    clock.pass_by(timedelta(seconds=1))
    assert client.get("/who").status_code == 303


def test_a_provider_that_does_not_answer_is_said_in_words() -> None:
    client = browser_of(shut_site(login("http://127.0.0.1:9"), URL))
    answer = client.get("/sign-in")
    assert answer.status_code == 503
    assert "127.0.0.1" not in answer.text


def test_only_this_machine_may_be_a_provider_without_tls() -> None:
    with pytest.raises(UsageError, match="not an https address"):
        Provider("http://login.example.org", CLIENT, None)


def test_the_provider_gets_no_address_from_the_host_header(liar: LyingProvider) -> None:
    client = browser_of(shut_site(login(liar.issuer, ManualClock()), URL))
    answer = client.get("/sign-in", headers={"host": "evil.example"})
    assert answer.status_code == 421
    sent = query_of(client.get("/sign-in").headers["location"])
    assert urlsplit(sent["redirect_uri"]).netloc == "reports.example.org"
    assert path_of(sent["redirect_uri"]).startswith("/sign-in/callback")
