"""Providers of OpenID Connect on the loopback address: a real one, and one that lies."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from oidc_provider_mock import run_server_in_thread
from starlette.testclient import TestClient

CLIENT = "exhaust"


@contextmanager
def real_provider(*, with_kid: bool = False) -> Iterator[str]:
    """Runs oidc-provider-mock and gives its issuer. Its ID tokens have no `kid` by themselves."""
    with pytest.MonkeyPatch.context() as patch, run_server_in_thread() as server:
        if with_kid:
            from oidc_provider_mock import _app

            plain = _app.OpenIDCode.get_jwt_config

            def with_key_id(self: Any, *arguments: Any) -> dict[str, Any]:
                key_id = _app.storage.jwk.thumbprint()
                return {**plain(self, *arguments), "kid": key_id}

            patch.setattr(_app.OpenIDCode, "get_jwt_config", with_key_id)
        yield f"http://localhost:{server.server_port}"


def sign_in(client: TestClient, user: str, path: str = "/") -> Any:
    """Signs a user in at the real provider, and returns what the callback answers."""
    return client.get(come_back(client.get(f"/sign-in?next={path}").headers["location"], user))


def come_back(authorization_url: str, user: str) -> str:
    """Signs a user in at the provider, and returns the path that leads back, with its query."""
    answer = httpx.post(authorization_url, data={"sub": user})
    return path_of(answer.headers["location"])


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


class LyingProvider:
    """Publishes one key, and gives out whatever ID token a test sets."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "known", "use": "sig"})
        self.published: list[dict[str, Any]] = [dict(self.key.as_dict(private=False))]
        self.id_token = ""
        self.token_requests: list[Mapping[str, str]] = []
        self.key_requests = 0
        self.issuer = ""

    def sign(
        self,
        claims: Mapping[str, Any],
        key: RSAKey | None = None,
        **header: str,
    ) -> None:
        """Sets the ID token that it gives out next."""
        self.id_token = jwt.encode({"alg": "RS256", **header}, dict(claims), key or self.key)

    def answer(self, path: str) -> dict[str, Any]:
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "end_session_endpoint": f"{self.issuer}/logout",
            }
        if path == "/keys":
            self.key_requests += 1
            return {"keys": self.published}
        return {"token_type": "Bearer", "access_token": "a", "id_token": self.id_token}

    @contextmanager
    def running(self) -> Iterator["LyingProvider"]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = json.dumps(provider.answer(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                form["authorization"] = self.headers.get("Authorization", "")
                provider.token_requests.append(form)
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.issuer = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
