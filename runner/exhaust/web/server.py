"""One server: its socket, its site, its workers, and how it ends."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from exhaust.errors import UsageError
from exhaust.marts.access import check_user_id
from exhaust.marts.kept_open import KeptOpen
from exhaust.project.settings import Settings
from exhaust.web.app import create_app
from exhaust.web.identity import Identity
from exhaust.web.identity.laptop import Laptop
from exhaust.web.identity.login import Login
from exhaust.web.identity.no_pages import NoPages
from exhaust.web.identity.oidc import Provider, is_loopback
from exhaust.web.identity.proxy import Proxy
from exhaust.web.identity.token import Tokens
from exhaust.web.metrics import serving_metrics as serving_metrics
from exhaust.web.portal import Portal
from exhaust.web.portal.upstream import Upstream
from exhaust.web.secrets import (
    CLIENT_SECRET,
    PROXY_SECRET,
    needed_secret,
    read_secret,
    session_keys,
)
from exhaust.web.sessions import Sessions
from exhaust.web.site import Site

SOCKET = "unix:"
GRACE_SECONDS = 10
"""How long answers that are being sent may take when the server ends."""


@dataclass(frozen=True)
class Address:
    """Where the server listens: a host and a port, or a unix socket."""

    host: str
    port: int

    @property
    def socket_file(self) -> Path | None:
        return Path(self.host.removeprefix(SOCKET)) if self.host.startswith(SOCKET) else None

    @property
    def is_private(self) -> bool:
        """Whether only this machine reaches it by the network."""
        return is_loopback(self.host)

    @contextmanager
    def listening(self) -> Iterator[socket.socket]:
        """Opens the socket. Raises UsageError if it cannot be had."""
        file = self.socket_file
        try:
            opened = _unix_socket(file) if file else _network_socket(self.host, self.port)
        except OSError as error:
            raise UsageError(
                f"The server cannot listen on {self.host}"
                f"{'' if file else f', port {self.port}'}: {error.strerror or error}.",
                "Another server may be running there. Give another --port, or another --host.",
            ) from error
        try:
            with opened:
                yield opened
        finally:
            if file:
                file.unlink(missing_ok=True)


def _network_socket(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind(address)
    except BaseException:
        opened.close()
        raise
    return opened


def _unix_socket(file: Path) -> socket.socket:
    if file.exists() and stat.S_ISSOCK(file.stat().st_mode):
        # A server that was killed left it; one that runs still answers.
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(file)) == 0:
                raise OSError(None, "another server answers there")
        file.unlink()
    opened = socket.socket(socket.AF_UNIX)
    before = os.umask(0o117)
    try:
        opened.bind(str(file))
    except BaseException:
        opened.close()
        raise
    finally:
        os.umask(before)
    return opened


def check(settings: Settings, address: Address, user_id: str | None) -> None:
    """Raises UsageError if the way in does not fit the address, or lacks a setting;
    PermissionDenied if the project requires a user ID, and nobody signs in."""
    web = settings.web
    if web.identity == "laptop":
        check_user_id(settings, user_id)
        if not address.is_private:
            raise UsageError(
                f"Everybody who reaches {address.host} could try to get in, and nobody signs in "
                "(`web_identity: laptop`).",
                "Leave out --host, or set up `login` or `proxy`: docs/serve.md says how.",
            )
        return
    if user_id is not None:
        raise UsageError(
            "--as is for one person's own machine.", f"Leave it out with {web.identity}."
        )
    needed = {"web_public_url": web.public_url}
    if web.identity == "token" or web.token_issuer:
        keys = web.token_jwks_url or web.token_keys_dir
        needed |= {"token_issuer": web.token_issuer, "token_jwks_url (or token_keys_dir)": keys}
    if web.identity == "login":
        needed |= {"oidc_issuer": web.oidc_issuer, "oidc_client_id": web.oidc_client_id}
    elif web.identity == "proxy" and address.socket_file is None:
        needed |= {"trusted_proxies": ", ".join(map(str, web.trusted_proxies))}
    for name, value in needed.items():
        if not value:
            raise UsageError(
                f"`web_identity: {web.identity}` needs the variable {name}.",
                f"Set it in {settings.project_dir / 'dbt_project.yml'}.",
            )


def make_site(project: KeptOpen, address: Address, port: int, user_id: str | None) -> Site:
    """Returns the site of a project whose socket has this port."""
    web = project.web
    url = web.public_url or f"http://{_bracketed(address.host)}:{port}"
    hosts = {urlsplit(url).netloc.lower()}
    if not web.public_url:
        hosts |= {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
    return Site(
        project=project,
        identity=_identity(project, address, user_id),
        keys=session_keys(project.work_dir / "web-session.key"),
        sessions=Sessions(),
        public_url=url,
        hosts=frozenset(hosts),
        portal=_portal(project),
    )


def _portal(settings: Settings) -> Portal | None:
    web = settings.web
    if not web.has_portal:
        return None
    keys_dir = settings.project_dir / web.token_keys_dir if web.token_keys_dir else None
    tokens = Tokens(web.token_issuer, web.token_jwks_url, keys_dir, web.token_clients)
    return Portal(tokens, Upstream(web.portal_upstream) if web.portal_upstream else None)


def _identity(settings: Settings, address: Address, user_id: str | None) -> Identity:
    web = settings.web
    if web.identity == "login":
        provider = Provider(web.oidc_issuer, web.oidc_client_id, read_secret(CLIENT_SECRET))
        return Login(provider, web.oidc_user_claim, web.operators)
    if web.identity == "proxy":
        return Proxy(
            web.proxy_user_header,
            needed_secret(PROXY_SECRET),
            web.trusted_proxies,
            web.operators,
            is_on_a_socket=address.socket_file is not None,
        )
    if web.identity == "token":
        return NoPages()
    return Laptop(user_id)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def run(site: Site, listening: socket.socket) -> None:
    """Answers until SIGTERM or SIGINT comes; what is being sent then is sent to its end."""
    config = uvicorn.Config(
        create_app(site),
        # Names of who asks come from the connection alone, never from a header.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listening])
