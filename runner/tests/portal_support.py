"""Helpers for the tests of the portal's API: a realm with two keys, a server, and a portal."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import uvicorn
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from exhaust.web.app import create_app
from exhaust.web.server import Address
from exhaust.web.site import Site

GOLDEN = Path(__file__).parent / "golden" / "portal"
ISSUER = "https://example.org/auth/realms/Sunbird"
FEDERATION = "f:cassandrauserid"


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
        **claims: Any,
    ) -> str:
        """Returns a token as Keycloak signs them; a claim that is None is left out."""
        key = key or self.filed
        now = int(time.time())
        content = {
            "iss": ISSUER,
            "sub": f"{FEDERATION}:{user}",
            "exp": now + 3600,
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
        config = uvicorn.Config(create_app(make(url)), log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
        thread.start()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join()


@dataclass
class PortalPage:
    """What Sunbird's portal does for one user and batch: the page in the browser, and the server
    behind it, which passes calls on (release 8.1.0: `OnDemandReportsComponent`, reportRoutes.js).
    """

    service: str
    """The setting `sunbird_data_product_service`."""
    token: str
    batch: Mapping[str, str]
    report_types: Sequence[Mapping[str, str]]
    user_id: str = ""
    jobs: list[dict[str, Any]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    """What the page has shown as errors."""
    browser: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False))

    @property
    def tag(self) -> str:
        return f"{self.batch['courseId']}_{self.batch['batchId']}"

    def load_reports(self) -> None:
        answer = self._call("GET", f"/report/request/list/{self.tag}")
        if answer is not None:
            self.jobs = [self._titled(job) for job in answer["result"]["jobs"]]

    def submit(self, dataset: str, password: str = "") -> bool:
        """Presses the button; returns whether the page has asked at all."""
        (chosen,) = [one for one in self.report_types if one["dataset"] == dataset]
        if self._is_in_progress(dataset):
            self.messages.append("requestFailed")
            return False
        request = {
            "tag": self.tag,
            "requestedBy": self.user_id,
            "dataset": dataset,
            "datasetConfig": {"batchId": self.batch["batchId"]},
            "output_format": "csv",
        }
        if chosen.get("encrypt") == "true":
            request["encryptionKey"] = password
        answer = self._call("POST", "/report/request/submit", {"request": request})
        if answer is not None and answer.get("result"):
            result = answer["result"]
            if result["status"] == "FAILED":
                self.messages.append(result.get("statusMessage") or "requestFailed")
            self.jobs = [self._titled(result), *self.jobs][:10]
        return True

    def open_link(self, job: Mapping[str, Any], now: float) -> httpx.Response | None:
        """Follows the link of a job, at a time in milliseconds."""
        has_expired = "expiresAt" in job and now > (job["expiresAt"] or 0)
        if not has_expired:
            return self._open(job["downloadUrls"])
        tag = job["tag"].split(":")[0]
        query = f"?requestId={job['requestId']}"
        answer = self._call("GET", f"/report/request/read/{tag}{query}")
        return self._open((answer or {}).get("result", {}).get("downloadUrls") or [])

    def _open(self, urls: Sequence[str]) -> httpx.Response | None:
        if not urls:
            self.messages.append("Could not fetch data")
            return None
        # In a new tab: without any header of the portal.
        return httpx.get(urls[0], trust_env=False)

    def _is_in_progress(self, dataset: str) -> bool:
        of_dataset = [job for job in self.jobs if job["dataset"] == dataset]
        newest = sorted(of_dataset, key=lambda job: job["jobStats"]["dtJobSubmitted"])[-1:]
        return any(job["status"].lower() in ("submitted", "processing") for job in newest)

    def _titled(self, job: dict[str, Any]) -> dict[str, Any]:
        titles = {one["dataset"]: one["title"] for one in self.report_types}
        return {**job, "title": titles.get(job["dataset"])}

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any] | None:
        """The portal's server: joins the paths without a slash, and adds its headers to those of
        the browser."""
        parts = urlsplit(self.service + path.replace("/report/", "dataset/v1/", 1))
        answer = self.browser.request(
            method,
            f"{parts.scheme}://{parts.netloc}{parts.path}{'?' if parts.query else ''}{parts.query}",
            json=body,
            headers={
                "Origin": "https://portal.example.org",
                "Sec-Fetch-Site": "same-origin",
                "Cookie": "connect.sid=of-the-portal",
                "Authorization": "Bearer kong",
                "X-Channel-Id": "t",
                "X-Authenticated-Userid": self.user_id,
                "x-authenticated-user-token": self.token,
            },
        )
        if answer.status_code >= 400:
            self.messages.append("Could not fetch data")
            return None
        content: dict[str, Any] = answer.json()
        return content


def golden(name: str, **places: object) -> Any:
    """Returns a golden body, with the values of its placeholders."""
    text = (GOLDEN / f"{name}.json").read_text("utf-8")
    for place, value in places.items():
        text = text.replace(f'"<{place}>"', json.dumps(value))
    assert '"<' not in text, text
    return json.loads(text)
