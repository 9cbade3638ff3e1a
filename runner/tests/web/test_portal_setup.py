"""How a project turns the portal's routes on, and what that needs."""

from dataclasses import replace
from typing import Any

import pytest
from portal_support import ISSUER, Realm, create_portal_marts
from starlette.testclient import TestClient

from exhaust import api
from exhaust.errors import UsageError
from exhaust.project.settings import Settings
from exhaust.web.app import create_app
from exhaust.web.server import Address, check, make_site

ADDRESS = Address("127.0.0.1", 8765)
PATH = "/request/list/do_1_001"
PUBLIC = "https://reports.example.org"


def with_web(settings: Settings, **values: Any) -> Settings:
    web = replace(settings.web, public_url=PUBLIC, token_issuer=ISSUER)
    return replace(settings, web=replace(web, **values))


def test_a_project_that_names_an_issuer_answers_the_portal(
    settings_duckdb: Settings, realm: Realm
) -> None:
    create_portal_marts(settings_duckdb)
    project = with_web(settings_duckdb, identity="token", token_keys_dir=str(realm.keys_dir))
    check(project, ADDRESS, None)
    headers = {"x-authenticated-user-token": realm.token("c"), "X-Channel-Id": "t"}
    with api.keep_open(project) as kept:
        client = TestClient(
            # Inside the network, the server may have another name than for browsers.
            create_app(make_site(kept, ADDRESS, 8765, None)),
            base_url="http://exhaust:8765",
            follow_redirects=False,
        )
        passed_on = {"Origin": "https://portal.example.org", "Sec-Fetch-Site": "cross-site"}
        assert client.get(PATH, headers=headers).json()["result"] == {"count": 0, "jobs": []}
        body: dict[str, object] = {"request": {}}
        answer = client.post("/request/submit", json=body, headers={**headers, **passed_on})
        assert answer.status_code == 400
        # There are no pages, and no other path is answered by that name.
        assert client.get("/", headers=headers).status_code == 421
        own = TestClient(client.app, base_url=PUBLIC, follow_redirects=True)
        assert own.get("/").status_code == 404


def test_on_a_laptop_the_routes_are_off(settings_duckdb: Settings, realm: Realm) -> None:
    project = with_web(settings_duckdb, identity="laptop", token_keys_dir=str(realm.keys_dir))
    check(project, ADDRESS, None)
    with api.keep_open(project) as kept:
        assert make_site(kept, ADDRESS, 8765, None).portal is None


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({"identity": "token"}, "token_jwks_url"),
        ({"identity": "token", "token_issuer": "", "token_keys_dir": "k"}, "token_issuer"),
        ({"identity": "token", "public_url": "", "token_keys_dir": "k"}, "web_public_url"),
        ({"identity": "proxy"}, "token_jwks_url"),
    ],
)
def test_what_the_routes_need_is_said(
    settings_duckdb: Settings, values: dict[str, str], missing: str
) -> None:
    with pytest.raises(UsageError, match=missing):
        check(with_web(settings_duckdb, **values), ADDRESS, None)
