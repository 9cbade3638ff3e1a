"""Helpers for the tests of the pages: a site on some project, and a browser without a window."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient

from exhaust import api
from exhaust.console import SYSTEM_CLOCK, Clock
from exhaust.project.settings import Settings
from exhaust.web.app import create_app
from exhaust.web.identity import Identity
from exhaust.web.identity.laptop import Laptop
from exhaust.web.secrets import Keys
from exhaust.web.sessions import Sessions
from exhaust.web.site import Site

URL = "http://127.0.0.1:8765"


@contextmanager
def site(
    project: Settings,
    identity: Identity | None = None,
    public_url: str = URL,
    clock: Clock = SYSTEM_CLOCK,
    **parts: Any,
) -> Iterator[Site]:
    with api.keep_open(project) as kept:
        yield Site(
            project=kept,
            identity=identity or Laptop(None),
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
        client = client_of(opened)
        client.get(f"/sign-in?token={identity.new_token()}")
        yield client


def client_of(opened: Site) -> TestClient:
    return TestClient(create_app(opened), base_url=opened.public_url, follow_redirects=False)


def csrf_of(page: str) -> str:
    """Returns the token in the forms of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]
