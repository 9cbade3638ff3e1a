"""Helpers for the tests of the pages: a site on some project, and a browser without a window."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.testclient import TestClient
from support import PROJECT

from exhaust import api
from exhaust.console import SYSTEM_CLOCK, Clock
from exhaust.marts.kept_open import KeptOpen
from exhaust.project.settings import Settings, read_settings
from exhaust.warehouse.pool import Pool
from exhaust.web.app import create_app
from exhaust.web.identity import Identity
from exhaust.web.identity.laptop import Laptop
from exhaust.web.pages import page
from exhaust.web.secrets import Keys
from exhaust.web.sessions import Sessions
from exhaust.web.site import Site

URL = "http://127.0.0.1:8765"


@contextmanager
def site(
    project: Settings, identity: Identity | None = None, public_url: str = URL, **parts: Any
) -> Iterator[Site]:
    """Gives the site of a project."""
    with api.keep_open(project) as kept:
        yield make_site(kept, identity or Laptop(None), public_url, **parts)


def make_site(
    kept: KeptOpen,
    identity: Identity,
    public_url: str = URL,
    clock: Clock = SYSTEM_CLOCK,
    **parts: Any,
) -> Site:
    return Site(
        project=kept,
        identity=identity,
        keys=Keys(b"k" * 48),
        sessions=Sessions(clock),
        public_url=public_url,
        hosts=frozenset({public_url.partition("://")[2]}),
        clock=clock,
        **parts,
    )


@contextmanager
def browser(project: Settings, user_id: str | None = None, **parts: Any) -> Iterator[TestClient]:
    """Gives a client that is signed in as a user, or as the operator."""
    identity = Laptop(user_id)
    with site(project, identity, **parts) as opened:
        client = browser_of(opened)
        client.get(f"/sign-in?token={identity.new_token()}")
        yield client


def browser_of(opened: Site, host: str = "testclient") -> TestClient:
    """Returns a client that nobody has signed in; `/who` says who is asking."""
    app = create_app(opened)
    app.router.routes.insert(0, page("/who", who, ["GET", "POST"]))
    return TestClient(app, base_url=opened.public_url, follow_redirects=False, client=(host, 50000))


def who(request: Request) -> Response:
    person = request.state.person
    return JSONResponse([person.user_id, person.is_operator, person.label])


def shut_site(identity: Identity, public_url: str = URL, clock: Clock = SYSTEM_CLOCK) -> Site:
    """Returns a site whose warehouse does not exist, for pages that need none."""
    return make_site(_without_warehouse(), identity, public_url, clock)


@cache
def _without_warehouse() -> KeptOpen:
    environment = {"EXHAUST_TARGET": "duckdb", "EXHAUST_DUCKDB_PATH": "/nowhere/none.duckdb"}
    settings = read_settings(PROJECT, environ=environment, use_example=True)
    return KeptOpen.of(settings, Pool(settings.profile))


def csrf_of(page: str) -> str:
    """Returns the token in the forms of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]
