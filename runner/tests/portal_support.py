"""Helpers for the tests of the portal's API: a realm with two keys, a server, and a portal."""

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import uvicorn
from handmade_marts import CREATOR, MATHS, create_marts, insert
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry
from starlette.testclient import TestClient
from web_support import make_site

from exhaust import api
from exhaust.project.settings import Settings
from exhaust.warehouse import connect
from exhaust.web.app import create_app
from exhaust.web.identity.proxy import Proxy
from exhaust.web.identity.token import Tokens
from exhaust.web.portal import MOUNTS, Portal
from exhaust.web.server import Address
from exhaust.web.site import Site

GOLDEN = Path(__file__).parent / "golden" / "portal"
ISSUER = "https://example.org/auth/realms/Sunbird"
FEDERATION = "f:cassandrauserid"
URL = "https://reports.example.org"
COLLEAGUE = "d"
"""Of the creator's organisation; may have the first batch."""
LINK_SECONDS = 30 * 60


def create_portal_marts(settings: Settings) -> None:
    """Creates the marts made by hand, with a colleague of the creator."""
    with connect(settings.profile, writing=True) as warehouse:
        create_marts(warehouse, settings)
        insert(warehouse, settings, "requesters", f"('{COLLEAGUE}', 't')")
        right = f"('{COLLEAGUE}', '{MATHS}', '001', true, 2, 1)"
        insert(warehouse, settings, "requester_batches", right)


class Realm:
    """An issuer with two keys: one is published, the other is a file named by its `kid`."""

    def __init__(self, folder: Path) -> None:
        self.published = RSAKey.generate_key(2048, {"kid": "published", "use": "sig"})
        self.filed = RSAKey.generate_key(2048, {"kid": "filed"})
        self.keys_dir = folder
        folder.mkdir(exist_ok=True)
        self.add_file("filed", self.filed)

    def add_file(self, name: str, key: RSAKey) -> None:
        (self.keys_dir / name).write_bytes(key.as_pem(private=False))

    def jwks(self) -> Mapping[str, Any]:
        return {"keys": [self.published.as_dict(private=False)]}

    def token(
        self,
        user: str,
        key: RSAKey | None = None,
        header: Mapping[str, Any] | None = None,
        seconds_left: int = 3600,
        **claims: Any,
    ) -> str:
        """Returns a token as Keycloak signs them; a claim that is None is left out."""
        key = key or self.filed
        now = int(time.time())
        content = {
            "iss": ISSUER,
            "sub": f"{FEDERATION}:{user}",
            "exp": now + seconds_left,
            "iat": now,
            "typ": "Bearer",
            "azp": "portal",
            **claims,
        }
        content = {name: value for name, value in content.items() if value is not None}
        head = {"alg": "RS256", "kid": key.kid, **(header or {})}
        signed = f"{_encoded(json.dumps(head))}.{_encoded(json.dumps(content))}"
        algorithm = JWSRegistry.algorithms[head["alg"]]
        return f"{signed}.{_encoded(algorithm.sign(signed.encode(), key))}"


def _encoded(content: str | bytes) -> str:
    content = content.encode() if isinstance(content, str) else content
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler, bytes], None]) -> Iterator[str]:
    """Runs a server on the loopback address, and gives its address; `answer` gets the body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def send_json(handler: BaseHTTPRequestHandler, content: object, status: int = 200) -> None:
    body = json.dumps(content).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def running(make: Callable[[str], Site]) -> Iterator[str]:
    """Runs the server of a site, which is made for its address, and gives that."""
    with Address("127.0.0.1", 0).listening() as opened:
        url = f"http://127.0.0.1:{opened.getsockname()[1]}"
        opened.listen(1024)
        config = uvicorn.Config(create_app(make(url)), log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
        thread.start()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join()


class Caller:
    """Calls the API as the portal's server does, for whichever user."""

    def __init__(self, client: TestClient, realm: Realm, mount: str) -> None:
        self.client = client
        self.realm = realm
        self._mount = mount

    def headers(self, user: str, channel: str = "t") -> dict[str, str]:
        return {"x-authenticated-user-token": self.realm.token(user), "X-Channel-Id": channel}

    def post(self, user: str = CREATOR, channel: str = "t", **request: Any) -> Any:
        """Submits a request; a value that is None is left out."""
        whole = {
            "tag": f"{MATHS}_001",
            "requestedBy": user,
            "dataset": "progress-exhaust",
            "datasetConfig": {"batchId": "001"},
            "output_format": "csv",
            **request,
        }
        body = {"request": {name: value for name, value in whole.items() if value is not None}}
        path = f"{self._mount}submit"
        # Escaped, because some values cannot be written as UTF-8.
        headers = self.headers(user, channel)
        return self.client.post(path, content=json.dumps(body), headers=headers)

    def submit(self, user: str = CREATOR, channel: str = "t", **request: Any) -> Any:
        return whole(self.post(user, channel, **request))

    def list(self, user: str = CREATOR, tag: str = f"{MATHS}_001", query: str = "") -> Any:
        path = f"{self._mount}list/{tag}{query}"
        return whole(self.client.get(path, headers=self.headers(user)))

    def read(self, request_id: str, user: str = CREATOR, tag: str = f"{MATHS}_001") -> Any:
        path = f"{self._mount}read/{tag}?requestId={request_id}"
        return whole(self.client.get(path, headers=self.headers(user)))


def whole(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


@contextmanager
def calling(
    project: Settings, realm: Realm, mount: str = MOUNTS[0], **parts: Any
) -> Iterator[Caller]:
    """Gives a caller on a project; `parts` are those of its site."""
    portal = parts.pop("portal", Portal(Tokens(ISSUER, keys_dir=realm.keys_dir)))
    with api.keep_open(project) as kept:
        opened = make_site(kept, Proxy("X-User", "s" * 32, []), URL, portal=portal, **parts)
        client = TestClient(create_app(opened), base_url=URL, follow_redirects=False)
        yield Caller(client, realm, mount)


def check(body: Mapping[str, Any], name: str, **places: object) -> None:
    """Compares a body with a golden one. What changes with each call is checked for its form."""
    UUID(body["params"]["resmsgid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", body["ts"])
    result = body["result"] or {}
    job = result["jobs"][0] if result.get("jobs") else result
    values: dict[str, Any] = {"ts": body["ts"], "resmsgid": body["params"]["resmsgid"], **places}
    if "requestId" in job:
        now = 1000 * time.time()
        assert re.fullmatch("[0-9A-F]{32}(-[0-9]+)?", job["requestId"])
        assert 0 < job["expiresAt"] - (now - 60_000) - 1000 * LINK_SECONDS < 70_000
        assert now - 60_000 < job["jobStats"]["dtJobSubmitted"] <= now
        values |= {"id": job["requestId"], "expires": job["expiresAt"]}
        values["submitted"] = job["jobStats"]["dtJobSubmitted"]
    wanted = (GOLDEN / f"{name}.json").read_text("utf-8")
    if '"<completed>"' in wanted:
        values["completed"] = job["jobStats"]["dtJobCompleted"]
        assert values["submitted"] <= values["completed"] <= now
    if '"<took>"' in wanted:
        values["took"] = job["jobStats"]["executionTime"]
        assert 0 <= values["took"] < 60_000
    if '"<url>"' in wanted:
        (values["url"],) = job["downloadUrls"]
        assert values["url"].startswith(f"{URL}/links/")
    assert body == golden(name, **values)


def golden(name: str, **places: object) -> Any:
    """Returns a golden body, with the values of its placeholders."""
    text = (GOLDEN / f"{name}.json").read_text("utf-8")
    for place, value in places.items():
        text = text.replace(f'"<{place}>"', json.dumps(value))
    assert '"<' not in text, text
    return json.loads(text)
