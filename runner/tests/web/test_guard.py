"""What guards every page: the host's name, the origin of forms and their token, and headers."""

import base64
import logging
import re
import zlib
from contextlib import suppress
from typing import NoReturn

import pytest
from starlette.requests import Request
from starlette.routing import Route
from starlette.testclient import TestClient
from support import ManualClock
from web_support import URL, browser_of, csrf_of, shut_site

from exhaust.errors import Busy, ExhaustError, NoConnection, NotFound, PermissionDenied
from exhaust.web.identity.laptop import Laptop
from exhaust.web.pages import page


@pytest.fixture
def client() -> TestClient:
    return signed_in()


def signed_in(user_id: str | None = None) -> TestClient:
    identity = Laptop(user_id)
    client = browser_of(shut_site(identity, clock=ManualClock()))
    client.get(f"/sign-in?token={identity.new_token()}")
    return client


def add_page(client: TestClient, route: Route) -> None:
    client.app.router.routes.insert(0, route)  # type: ignore[attr-defined]


def token(client: TestClient) -> str:
    return csrf_of(client.get("/nowhere").text)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:80", ""])
def test_other_names_of_the_server_are_refused(client: TestClient, host: str) -> None:
    """Another site's name may be made to lead here (DNS rebinding)."""
    answer = client.get("/who", headers={"host": host})
    assert (answer.status_code, "operator" in answer.text) == (421, False)


def test_a_form_with_its_token_is_accepted(client: TestClient) -> None:
    assert client.post("/who", data={"csrf": token(client)}).status_code == 200
    assert client.post("/who", headers={"X-CSRF-Token": token(client)}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": URL, "Sec-Fetch-Site": "same-origin"},
        {"Origin": URL},
        {"Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_forms_of_this_site_are_accepted(client: TestClient, headers: dict[str, str]) -> None:
    data = {"csrf": token(client)}
    assert client.post("/who", data=data, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "https://127.0.0.1:8765"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": URL, "Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
def test_forms_of_other_sites_are_refused_even_with_a_token(
    client: TestClient, headers: dict[str, str]
) -> None:
    data = {"csrf": token(client)}
    assert client.post("/who", data=data, headers=headers).status_code == 403


def test_forms_without_their_token_are_refused(client: TestClient) -> None:
    other = token(signed_in())
    before_signing_in = csrf_of(browser_of(shut_site(Laptop(None))).get("/sign-in").text)
    for given in (None, "", "x", other, before_signing_in):
        data = {} if given is None else {"csrf": given}
        assert client.post("/who", data=data).status_code == 403


def test_every_page_that_changes_something_wants_a_token(client: TestClient) -> None:
    routes = [one for one in client.app.router.routes if isinstance(one, Route)]  # type: ignore[attr-defined]
    changing = [one for one in routes if one.methods and not one.methods <= {"GET", "HEAD"}]
    assert changing
    for route in changing:
        path = route.path.replace("{path:path}", "x").replace("{", "").replace("}", "")
        assert client.post(path).status_code == 403, route.path


def test_large_forms_are_refused_before_they_are_read(client: TestClient) -> None:
    large = b"x" * (2 << 20)
    assert client.post("/who", content=large).status_code in (403, 413)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post("/who", content=b"csrf=" + large, headers=headers).status_code == 413
    chunks = iter([b"csrf=", large])
    assert client.post("/who", content=chunks, headers=headers).status_code == 413


HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "private, no-store",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.mark.parametrize("path", ["/who", "/nowhere", "/signed-out", "/health"])
def test_every_answer_has_the_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert HEADERS.items() <= dict(headers).items()
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "strict-transport-security" not in headers


def test_refusals_have_the_headers_too(client: TestClient) -> None:
    headers = client.get("/who", headers={"host": "evil.example"}).headers
    assert HEADERS.items() <= dict(headers).items()


def test_with_tls_browsers_are_told_to_keep_to_it() -> None:
    client = browser_of(shut_site(Laptop(None), "https://reports.example.org"))
    assert "strict-transport-security" in client.get("/sign-in").headers


def test_pages_have_no_script_or_style_in_them(client: TestClient) -> None:
    text = client.get("/nowhere").text
    assert text.count("<script") == text.count('<script src="/static/') == 1
    assert "<style" not in text
    assert " style=" not in text
    assert "onclick" not in text


def test_a_page_and_its_style_are_small(client: TestClient) -> None:
    with client.stream("GET", "/nowhere") as page:
        assert page.headers["content-encoding"] == "gzip"
        size = int(page.headers["content-length"])
    (style,) = re.findall(r'href="(/static/\w+/exhaust\.css)"', client.get("/nowhere").text)
    with client.stream("GET", style) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        size += sum(map(len, answer.iter_raw()))
    assert size < 30_000
    plain = client.get("/nowhere", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


def test_the_token_of_a_form_does_not_say_the_id_of_the_session(client: TestClient) -> None:
    (session_id,) = client.cookies.values()
    payload = token(client).split(".")[-3]
    decoded = base64.urlsafe_b64decode(payload + "===")
    with suppress(zlib.error):
        decoded = zlib.decompress(decoded)
    assert b"session" in decoded
    assert session_id.encode() not in decoded
    assert session_id not in client.get("/nowhere").text


def test_files_keep_for_a_year_because_their_address_changes_with_them(client: TestClient) -> None:
    text = client.get("/nowhere").text
    (address,) = (part.split('"')[0] for part in text.split('href="')[1:] if ".css" in part)
    answer = client.get(address)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("path", ["/static/x/../app.py", "/static/x/..%2f..%2fapp.py", "/static/"])
def test_no_other_file_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_what_does_not_exist_and_what_is_forbidden_look_the_same(client: TestClient) -> None:
    def not_found(_: Request) -> NoReturn:
        raise NotFound("No course matches `do_9`.", "secret one")

    def denied(_: Request) -> NoReturn:
        raise PermissionDenied("`m` may not see the reports of `do_9`.", "secret two")

    add_page(client, page("/a", not_found))
    add_page(client, page("/b", denied))
    answers = [client.get(path) for path in ("/a", "/b", "/c")]
    assert {answer.status_code for answer in answers} == {404}
    texts = {
        answer.text.replace(f'value="{path}"', "").replace(csrf_of(answer.text), "")
        for path, answer in zip(("/a", "/b", "/c"), answers, strict=True)
    }
    assert len(texts) == 1


def test_pages_of_operators_do_not_exist_for_others() -> None:
    def secret(_: Request) -> NoReturn:
        raise Busy("seen")

    user, operator = signed_in("c"), signed_in()
    for client in (user, operator):
        add_page(client, page("/o", secret, only_operators=True))
    assert (user.get("/o").status_code, operator.get("/o").status_code) == (404, 503)


@pytest.mark.parametrize(
    ("error", "status", "shown"),
    [
        (Busy("The target is held.", "Try again."), 503, "The target is held."),
        (NoConnection("No connection to db.internal:5432"), 503, "does not answer"),
        (ExhaustError("It failed."), 500, "It failed."),
    ],
)
def test_errors_are_pages_in_words(
    client: TestClient, error: ExhaustError, status: int, shown: str
) -> None:
    def failing(_: Request) -> NoReturn:
        raise error

    add_page(client, page("/a", failing))
    answer = client.get("/a")
    assert answer.status_code == status
    assert shown in answer.text
    assert "db.internal" not in answer.text


def test_what_nobody_expected_shows_no_traceback_and_no_sql(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(_: Request) -> NoReturn:
        raise RuntimeError("select secret from t")

    add_page(client, page("/a", failing))
    with caplog.at_level(logging.ERROR, "exhaust.web"):
        answer = client.get("/a")
    assert answer.status_code == 500
    assert "select secret" not in answer.text
    assert "Traceback" not in answer.text
    assert "select secret" in caplog.text


def test_the_access_log_has_paths_without_queries(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "exhaust.access"):
        client.get("/who?q=a+name")
        client.get("/a%0A2026 forged")
    first, second = caplog.messages
    assert first.startswith("GET /who 200 ")
    assert first.endswith("operator")
    assert "name" not in first
    assert "\n" not in second


def test_the_language_is_chosen_by_the_browser_and_on_the_page(client: TestClient) -> None:
    hindi = {"Accept-Language": "fr, hi-IN;q=0.9, en;q=0.1"}
    text = client.get("/nowhere", headers=hindi).text
    assert '<html lang="hi">' in text
    assert '<option value="hi" lang="hi" selected>' in text
    data = {"csrf": csrf_of(text), "language": "ta", "next": "/who?q=1"}
    answer = client.post("/language", data=data)
    assert answer.headers["location"] == "/who?q=1"
    assert '<html lang="ta">' in client.get("/nowhere", headers=hindi).text


@pytest.mark.parametrize("chosen", ["xx", "../../en", ""])
def test_other_languages_are_ignored(client: TestClient, chosen: str) -> None:
    data = {"csrf": token(client), "language": chosen, "next": "//evil.example"}
    answer = client.post("/language", data=data)
    assert answer.headers["location"] == "/"
    assert '<html lang="en">' in client.get("/nowhere").text
