"""A small client of OpenID Connect: the code flow with PKCE, and ID tokens."""

import base64
import hashlib
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from exhaust.console import SYSTEM_CLOCK, Clock
from exhaust.errors import NoConnection, PermissionDenied, UsageError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Those with a public key: with others, whoever knows it could sign."""
LEEWAY_SECONDS = 60
REFRESH_SECONDS = 60.0
"""How often the keys are fetched again at most, if a token has an unknown one."""
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Attempt:
    """What the answer to one attempt to sign in has to match."""

    state: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Provider:
    """The organisation's provider. What it says of itself is fetched when it is first needed."""

    def __init__(
        self, issuer: str, client_id: str, client_secret: str | None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        check_secure(issuer)
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._clock = clock
        self._lock = threading.Lock()
        self._metadata: Mapping[str, Any] = {}
        self._keys = KeySet([])
        self._keys_at: float | None = None

    def authorization_url(self, attempt: Attempt, redirect_uri: str) -> str:
        """Returns where the browser goes to sign in."""
        endpoint = self._endpoint("authorization_endpoint")
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid profile",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"

    def sign_out_url(self, public_url: str) -> str | None:
        """Returns where the browser signs out of the provider, if that has such a page."""
        endpoint = self._read_metadata().get("end_session_endpoint")
        query = urlencode({"client_id": self._client_id, "post_logout_redirect_uri": public_url})
        return f"{endpoint}?{query}" if endpoint else None

    def claims(self, code: str, attempt: Attempt, redirect_uri: str) -> Mapping[str, Any]:
        """Swaps a code for an ID token, and returns its claims. Raises PermissionDenied."""
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
            "client_id": self._client_id,
        }
        auth = httpx.BasicAuth(self._client_id, self._client_secret or "")
        answer = self._fetch(
            "POST",
            self._endpoint("token_endpoint"),
            data=body,
            auth=auth if self._client_secret else None,
        )
        return self.verified(str(answer.get("id_token")), attempt.nonce)

    def verified(self, id_token: str, nonce: str) -> Mapping[str, Any]:
        """Returns the claims of an ID token. Raises PermissionDenied if it is not this provider's,
        for this client and this attempt, and still valid."""
        registry = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock.now().timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = self._decoded(id_token)
            registry.validate(claims)
        except (JoseError, ValueError) as error:
            raise PermissionDenied("The provider's ID token is not valid.") from error
        if claims.get("azp", self._client_id) != self._client_id:
            raise PermissionDenied("The provider's ID token is for another client.")
        return claims

    def _decoded(self, token: str) -> dict[str, Any]:
        """Returns the claims of a token that a key of the provider has signed. Raises JoseError,
        ValueError."""
        kid = extract_compact(token.encode()).headers().get("kid")
        keys = self._keys_for(kid)
        failure: Exception = ValueError("no key")
        for key in keys:
            try:
                return jwt.decode(token, key, algorithms=[*ALGORITHMS]).claims
            except (JoseError, ValueError) as error:
                failure = error
        raise failure

    def _keys_for(self, kid: object) -> list[Any]:
        """Returns the key of that ID; of a token without one, all keys."""
        with self._lock:
            for _ in range(2):
                found = [key for key in self._keys.keys if kid is None or key.kid == kid]
                if found or not self._may_refresh():
                    return found
                self._refresh()
        return [key for key in self._keys.keys if kid is None or key.kid == kid]

    def _may_refresh(self) -> bool:
        at = self._keys_at
        return at is None or self._clock.monotonic() - at >= REFRESH_SECONDS

    def _refresh(self) -> None:
        self._keys_at = self._clock.monotonic()
        found = self._fetch("GET", self._endpoint("jwks_uri")).get("keys", [])
        signing = [key for key in found if key.get("use", "sig") == "sig"]
        self._keys = KeySet.import_key_set({"keys": signing})

    def _endpoint(self, name: str) -> str:
        endpoint = str(self._read_metadata().get(name) or "")
        check_secure(endpoint)
        return endpoint

    def _read_metadata(self) -> Mapping[str, Any]:
        if not self._metadata:
            address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            found = self._fetch("GET", address)
            if found.get("issuer") != self._issuer:
                raise NoConnection(
                    f"The provider calls itself {found.get('issuer')}, not {self._issuer}.",
                    "Correct `oidc_issuer`.",
                )
            self._metadata = found
        return self._metadata

    def _fetch(self, method: str, address: str, **options: Any) -> Mapping[str, Any]:
        """Returns a JSON object. Raises PermissionDenied if the provider refuses, NoConnection if
        it cannot be reached."""
        try:
            answer = httpx.request(method, address, timeout=TIMEOUT_SECONDS, **options)
            content = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise NoConnection(f"The provider {self._issuer} does not answer.") from error
        if answer.is_client_error and method == "POST":
            raise PermissionDenied("The provider refused to sign in.")
        if not answer.is_success or not isinstance(content, dict):
            raise NoConnection(f"The provider {self._issuer} does not answer.")
        return content


def check_secure(address: str, setting: str = "oidc_issuer") -> None:
    """Raises UsageError for an address that others can read along, except on this machine."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise UsageError(
            f"The address `{address}` is not an https address.",
            f"Give one in `{setting}`.",
        )


def is_loopback(host: str | None) -> bool:
    """Returns whether a host's name or address is this machine's own."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False
