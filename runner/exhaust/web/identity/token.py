"""Users' access tokens, as Sunbird's portal and Kong pass them on, verified by the realm's keys."""

import logging
import threading
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import extract_compact

from exhaust.console import SYSTEM_CLOCK, Clock
from exhaust.errors import PermissionDenied, UsageError
from exhaust.marts.names import trimmed
from exhaust.web.identity.oidc import LEEWAY_SECONDS, REFRESH_SECONDS, check_secure

LOG = logging.getLogger("exhaust.web")
HEADER = "x-authenticated-user-token"
ALGORITHM = "RS256"
MAX_LENGTH = 16_384
FETCH_SECONDS = 5.0
MAX_AGE_SECONDS = 3600.0
"""How long keys are believed without a look at whether they are still published."""

Keys = Mapping[str, RSAKey]


class Tokens:
    """Verifies tokens of one issuer. Its keys are published at an address, are files, or both."""

    def __init__(
        self,
        issuer: str,
        jwks_url: str = "",
        keys_dir: Path | None = None,
        clients: Collection[str] = (),
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Raises UsageError for an address that others can read along, and for a file that is not
        a public key."""
        if jwks_url:
            check_secure(jwks_url, "token_jwks_url")
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._keys_dir = keys_dir
        self._clients = clients
        self._clock = clock
        self._lock = threading.Lock()
        self._published: Keys = {}
        self._files = _read_files(keys_dir)
        self._refreshed_at: float | None = None
        self._registry = jwt.JWTClaimsRegistry(
            now=lambda: int(clock.now().timestamp()),
            leeway=LEEWAY_SECONDS,
            sub={"essential": True},
            exp={"essential": True},
        )

    def user_of(self, token: str) -> str:
        """Returns the ID of the user whose valid access token this is. Raises PermissionDenied."""
        try:
            claims = self._claims(token)
            self._registry.validate(claims)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise PermissionDenied("The token is not valid.") from error
        if str(claims.get("iss")).lower() != self._issuer.lower():
            raise PermissionDenied("The token is of another issuer.")
        # The same keys sign ID tokens and refresh tokens, which are not meant for services.
        if claims.get("typ", "Bearer") != "Bearer":
            raise PermissionDenied("The token is not an access token.")
        if self._clients and claims.get("azp") not in self._clients:
            raise PermissionDenied("The token is for another client.")
        # Keycloak's `sub` for users of a federation is `f:<federation>:<user ID>`.
        user_id = trimmed(str(claims["sub"]).rpartition(":")[2])
        if not user_id or not user_id.isprintable():
            raise PermissionDenied("The token names no user.")
        return user_id

    def has_keys(self) -> bool:
        """Returns whether there is any key to verify tokens with."""
        self._refresh_if_old()
        return bool(self._published or self._files)

    def _claims(self, token: str) -> dict[str, Any]:
        """Returns the claims that a known key has signed. Raises JoseError, ValueError."""
        if len(token) > MAX_LENGTH:
            raise ValueError("too long")
        kid = extract_compact(token.encode()).headers().get("kid")
        key = self._key(kid) if isinstance(kid, str) else None
        if key is None:
            raise ValueError("no key")
        return jwt.decode(token, key, algorithms=[ALGORITHM]).claims

    def _key(self, kid: str) -> RSAKey | None:
        self._refresh_if_old()
        if found := self._find(kid):
            return found
        with self._lock:
            if self._age() >= REFRESH_SECONDS:
                self._refresh()
        return self._find(kid)

    def _find(self, kid: str) -> RSAKey | None:
        return self._files.get(kid) or self._published.get(kid)

    def _age(self) -> float:
        at = self._refreshed_at
        return float("inf") if at is None else self._clock.monotonic() - at

    def _refresh_if_old(self) -> None:
        # While one thread looks, the others go on with what is known.
        if self._age() >= MAX_AGE_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._refresh()
            finally:
                self._lock.release()

    def _refresh(self) -> None:
        """Reads the keys again; keeps those that it has if that fails."""
        try:
            self._files = _read_files(self._keys_dir)
        except UsageError as error:
            LOG.warning("warning: %s", error)
        if self._jwks_url:
            try:
                self._published = _fetch(self._jwks_url)
            except (httpx.HTTPError, ValueError) as error:
                LOG.warning(
                    "warning: The keys at %s cannot be read: %s", self._jwks_url, type(error)
                )
        self._refreshed_at = self._clock.monotonic()


def _fetch(address: str) -> Keys:
    """Returns the keys of RSA that are published; joserfc knows for what each may be used.

    Raises HTTPError, ValueError.
    """
    answer = httpx.get(address, timeout=FETCH_SECONDS).raise_for_status().json()
    listed = answer.get("keys") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        raise ValueError("not a set of keys")
    keys = {}
    for one in listed:
        is_key = isinstance(one, dict) and isinstance(one.get("kid"), str)
        if is_key and one.get("kty") == "RSA":
            try:
                keys[one["kid"]] = RSAKey.import_key(one)
            except (JoseError, ValueError, TypeError, KeyError):
                LOG.warning("warning: A key at %s cannot be read.", address)
    return keys


def _read_files(folder: Path | None) -> Keys:
    """Returns the public keys in a folder; the name of a file, with or without `.pem`, is the
    `kid`. Raises UsageError."""
    if folder is None:
        return {}
    try:
        files = [file for file in folder.iterdir() if not file.name.startswith(".")]
        texts = {file: file.read_bytes() for file in files if file.is_file()}
    except OSError as error:
        raise UsageError(
            f"The keys in {folder} cannot be read: {error.strerror}.",
            "Correct `token_keys_dir`.",
        ) from error
    return {file.name.removesuffix(".pem"): _public_key(file, text) for file, text in texts.items()}


def _public_key(file: Path, text: bytes) -> RSAKey:
    try:
        key = RSAKey.import_key(text)
    except (JoseError, ValueError, TypeError) as error:
        raise UsageError(
            f"{file} is not a public key of RSA in PEM.", "Remove it from `token_keys_dir`."
        ) from error
    if key.is_private:
        raise UsageError(
            f"{file} is a private key: whoever reads it can sign tokens.",
            "Put only the public key there: openssl rsa -in KEY -pubout",
        )
    return key
