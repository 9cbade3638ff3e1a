"""The way in by a proxy that says who is asking."""

from ipaddress import ip_network

import pytest
from starlette.testclient import TestClient
from web_support import browser_of, csrf_of, shut_site

from exhaust.web.identity.proxy import SECRET_HEADER, Proxy

URL = "https://reports.example.org"
USER = "X-Exhaust-User"
SECRET = "a secret of the proxy"
RIGHT = {USER: "c", SECRET_HEADER: SECRET}


def client_at(address: str, **options: bool) -> TestClient:
    identity = Proxy(USER, SECRET, [ip_network("10.0.0.0/8")], ["o"], **options)
    return browser_of(shut_site(identity, URL), address)


def test_the_proxy_says_who_is_asking() -> None:
    client = client_at("10.1.2.3")
    assert client.get("/who", headers=RIGHT).json() == ["c", False, "c"]
    assert client.get("/who", headers={**RIGHT, USER: "o"}).json() == ["o", True, "o"]


def test_names_are_utf_8() -> None:
    headers = {SECRET_HEADER: SECRET.encode(), USER: "கணிதம்".encode()}
    assert client_at("10.1.2.3").get("/who", headers=headers).json()[0] == "கணிதம்"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {USER: "c"},
        {SECRET_HEADER: SECRET},
        {**RIGHT, SECRET_HEADER: ""},
        {**RIGHT, SECRET_HEADER: "another"},
        {**RIGHT, USER: ""},
        {**RIGHT, USER: "  "},
        {**RIGHT, "X-Forwarded-For": "10.1.2.3", USER: ""},
    ],
    ids=str,
)
def test_others_are_refused(headers: dict[str, str]) -> None:
    answer = client_at("10.1.2.3").get("/who", headers=headers)
    assert answer.status_code == 404
    assert SECRET not in answer.text


@pytest.mark.parametrize("address", ["11.0.0.1", "127.0.0.1", "::1", "testclient"])
def test_other_addresses_are_refused_even_with_the_secret(address: str) -> None:
    headers = {**RIGHT, "X-Forwarded-For": "10.1.2.3", "Forwarded": "for=10.1.2.3"}
    assert client_at(address).get("/who", headers=headers).status_code == 404


def test_two_users_are_refused() -> None:
    """A proxy that adds its header to one that somebody sent has not signed in that one."""
    headers = [(USER, "victim"), (USER, "c"), (SECRET_HEADER, SECRET)]
    assert client_at("10.1.2.3").get("/who", headers=headers).status_code == 404


def test_a_cookie_signs_nobody_in() -> None:
    client = client_at("10.1.2.3")
    client.cookies.update({"__Host-exhaust": "x", "session": "x"})
    assert client.get("/who").status_code == 404


def test_a_token_of_a_form_is_the_persons_own() -> None:
    client = client_at("10.1.2.3")
    mine = csrf_of(client.get("/nowhere", headers=RIGHT).text)
    other = csrf_of(client.get("/nowhere", headers={**RIGHT, USER: "o"}).text)
    assert client.post("/who", headers=RIGHT, data={"csrf": mine}).status_code == 200
    assert client.post("/who", headers=RIGHT, data={"csrf": other}).status_code == 403


def test_probes_come_past_the_proxy() -> None:
    assert client_at("192.0.2.1").get("/health").text == "alive\n"
