"""Who is asking by a token: what Keycloak signs is believed, and nothing else."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from portal_support import FEDERATION, ISSUER, Realm, answering, send_json
from support import ManualClock

from exhaust.console import SYSTEM_CLOCK, Clock
from exhaust.errors import PermissionDenied, UsageError
from exhaust.web.identity.token import MAX_AGE_SECONDS, Tokens


@pytest.fixture
def tokens(realm: Realm) -> Tokens:
    return Tokens(ISSUER, keys_dir=realm.keys_dir)


class Published:
    """An address with keys that counts how often they are fetched."""

    def __init__(self, realm: Realm) -> None:
        self.content: object = realm.jwks()
        self.status = 200
        self.fetched = 0
        self.url = ""

    def answer(self, handler: BaseHTTPRequestHandler, _: bytes) -> None:
        self.fetched += 1
        send_json(handler, self.content, self.status)


@pytest.fixture
def published(realm: Realm) -> Iterator[Published]:
    keys = Published(realm)
    with answering(keys.answer) as url:
        keys.url = url
        yield keys


class Later(Clock):
    """The system's clock, whose monotonic time a test moves."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


def test_both_kinds_of_keys_are_known(realm: Realm, published: Published) -> None:
    tokens = Tokens(ISSUER, published.url, realm.keys_dir)
    assert tokens.user_of(realm.token("c")) == "c"
    assert tokens.user_of(realm.token("m", realm.published)) == "m"


@pytest.mark.parametrize(
    ("changes", "user"),
    [
        ({"sub": "c"}, "c"),
        ({"sub": f"{FEDERATION}: c "}, "c"),
        ({"iss": ISSUER.upper()}, "c"),
        ({"typ": None}, "c"),
        ({"azp": None}, "c"),
        ({"seconds_left": -30}, "c"),
        ({"aud": "anybody"}, "c"),
    ],
    ids=str,
)
def test_tokens_as_sunbird_has_them_are_believed(
    realm: Realm, tokens: Tokens, changes: dict[str, Any], user: str
) -> None:
    assert tokens.user_of(realm.token("c", **changes)) == user


@pytest.mark.parametrize(
    "changes",
    [
        {"seconds_left": -90},
        {"exp": None},
        {"exp": "9999999999"},
        {"nbf": int(time.time()) + 3600},
        {"iss": f"{ISSUER}2"},
        {"iss": None},
        {"iss": [ISSUER]},
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"sub": None},
        {"sub": f"{FEDERATION}:"},
        {"sub": "  "},
        {"sub": "a\0b"},
        {"sub": ""},
    ],
    ids=str,
)
def test_other_claims_are_refused(realm: Realm, tokens: Tokens, changes: dict[str, Any]) -> None:
    with pytest.raises(PermissionDenied):
        tokens.user_of(realm.token("c", **changes))


def _unsigned(realm: Realm) -> str:
    head, body, _ = realm.token("c").split(".")
    head = _encoded({"alg": "none", "kid": "filed"})
    return f"{head}.{body}."


def _hs256_by_the_public_key(realm: Realm) -> str:
    body = realm.token("c").split(".")[1]
    signed = f"{_encoded({'alg': 'HS256', 'kid': 'filed'})}.{body}"
    secret = realm.filed.as_pem(private=False)
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _other_key_of_that_name(realm: Realm) -> str:
    return realm.token("c", RSAKey.generate_key(2048, {"kid": "filed"}))


def _own_key_in_the_header(realm: Realm) -> str:
    own = RSAKey.generate_key(2048, {"kid": "own"})
    return realm.token("c", own, header={"jwk": own.as_dict(private=False)})


def _other_body(realm: Realm) -> str:
    head, _, signature = realm.token("m").split(".")
    body = _encoded({"iss": ISSUER, "sub": "c", "exp": int(time.time()) + 3600})
    return f"{head}.{body}.{signature}"


def _encoded(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "forge",
    [
        _unsigned,
        _hs256_by_the_public_key,
        _other_key_of_that_name,
        _own_key_in_the_header,
        _other_body,
        lambda realm: realm.token("c", header={"kid": "unknown"}),
        lambda realm: realm.token("c", header={"kid": "../keys/filed"}),
        lambda realm: realm.token("c", header={"kid": None}),
        lambda realm: realm.token("c", header={"kid": ["filed"]}),
        lambda realm: realm.token("c", header={"alg": "RS512"}),
        lambda realm: realm.token("c", header={"alg": "PS256"}),
        lambda realm: realm.token("c")[:-4],
        lambda realm: "",
        lambda realm: "a.b.c",
        lambda realm: "..",
        lambda realm: f"{_encoded([1])}.{_encoded([2])}.",
        lambda realm: f"{'[' * 5000}.e.",
        lambda realm: "é.é.é",
        lambda realm: realm.token("c", padding="x" * 20_000),
    ],
)
def test_forged_tokens_are_refused(
    realm: Realm, tokens: Tokens, forge: Callable[[Realm], str]
) -> None:
    with pytest.raises(PermissionDenied):
        tokens.user_of(forge(realm))


def test_only_listed_clients_are_believed(realm: Realm) -> None:
    tokens = Tokens(ISSUER, keys_dir=realm.keys_dir, clients=["portal"])
    assert tokens.user_of(realm.token("c")) == "c"
    for other in ("android", None):
        with pytest.raises(PermissionDenied):
            tokens.user_of(realm.token("c", azp=other))


def test_a_token_ends(realm: Realm) -> None:
    clock = ManualClock(SYSTEM_CLOCK.now().date())
    tokens = Tokens(ISSUER, keys_dir=realm.keys_dir, clock=clock)
    token = realm.token("c", iat=None, exp=int(clock.now().timestamp()) + 100)
    clock.pass_by(timedelta(seconds=159))
    assert tokens.user_of(token) == "c"
    clock.pass_by(timedelta(seconds=2))
    with pytest.raises(PermissionDenied):
        tokens.user_of(token)


def test_keys_are_not_fetched_for_each_token(realm: Realm, published: Published) -> None:
    clock = Later()
    tokens = Tokens(ISSUER, published.url, clock=clock)
    unknown = realm.token("c", realm.published, header={"kid": "unknown"})
    for _ in range(3):
        assert tokens.user_of(realm.token("c", realm.published)) == "c"
        with pytest.raises(PermissionDenied):
            tokens.user_of(unknown)
    assert published.fetched == 1
    clock.seconds += 61
    for _ in range(3):
        with pytest.raises(PermissionDenied):
            tokens.user_of(unknown)
    assert published.fetched == 2


def test_new_keys_are_found_and_withdrawn_ones_forgotten(realm: Realm, tmp_path: Path) -> None:
    new = RSAKey.generate_key(2048, {"kid": "new", "use": "sig"})
    keys = Published(realm)
    clock = Later()
    with answering(keys.answer) as url:
        tokens = Tokens(ISSUER, url, tmp_path, clock=clock)
        old = realm.token("c", realm.published)
        assert tokens.user_of(old) == "c"
        keys.content = {"keys": [new.as_dict(private=False)]}
        clock.seconds += 61
        assert tokens.user_of(realm.token("c", new)) == "c"
        with pytest.raises(PermissionDenied):
            tokens.user_of(old)
        keys.content = realm.jwks()
        clock.seconds += MAX_AGE_SECONDS - 1
        assert tokens.user_of(realm.token("c", new)) == "c"
        clock.seconds += 2
        with pytest.raises(PermissionDenied):
            tokens.user_of(realm.token("c", new))


@pytest.mark.parametrize(
    ("status", "content"),
    [(500, {}), (200, []), (200, {"keys": 1}), (200, {"keys": [1, {"kid": "k", "kty": "RSA"}]})],
)
def test_keys_are_kept_while_they_cannot_be_fetched(
    realm: Realm, published: Published, status: int, content: object
) -> None:
    clock = Later()
    tokens = Tokens(ISSUER, published.url, realm.keys_dir, clock=clock)
    assert tokens.user_of(realm.token("c", realm.published)) == "c"
    published.status, published.content = status, content
    clock.seconds += MAX_AGE_SECONDS + 1
    assert tokens.user_of(realm.token("c")) == "c"
    assert published.fetched == 2


@pytest.mark.parametrize("changes", [{"use": "enc"}, {"alg": "RS512"}, {"kid": 7}])
def test_keys_for_other_purposes_are_not_taken(
    realm: Realm, published: Published, changes: dict[str, Any]
) -> None:
    published.content = {"keys": [{**realm.published.as_dict(private=False), **changes}]}
    with pytest.raises(PermissionDenied):
        Tokens(ISSUER, published.url).user_of(realm.token("c", realm.published))


def test_files_may_end_in_pem_and_are_read_again(realm: Realm, tmp_path: Path) -> None:
    clock = Later()
    tokens = Tokens(ISSUER, keys_dir=tmp_path, clock=clock)
    assert not tokens.has_keys()
    new = RSAKey.generate_key(2048, {"kid": "new"})
    (tmp_path / "new.pem").write_bytes(new.as_pem(private=False))
    clock.seconds += 61
    assert tokens.user_of(realm.token("c", new)) == "c"
    assert tokens.has_keys()


def test_a_private_key_in_the_folder_is_refused(realm: Realm, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(realm.filed.as_pem(private=True))
    with pytest.raises(UsageError, match="is a private key"):
        Tokens(ISSUER, keys_dir=tmp_path)
    (tmp_path / "key").write_bytes(b"no key")
    with pytest.raises(UsageError, match="is not a public key"):
        Tokens(ISSUER, keys_dir=tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        Tokens(ISSUER, keys_dir=tmp_path / "none")


def test_keys_come_by_a_way_that_nobody_can_change() -> None:
    with pytest.raises(UsageError, match="not an https address") as refused:
        Tokens(ISSUER, "http://example.org/keys")
    assert "token_jwks_url" in str(refused.value.hint)
