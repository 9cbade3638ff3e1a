"""A proxy that has signed people in says who is asking, in a header."""

import hmac
from collections.abc import Collection
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.requests import Request
from starlette.routing import Route

from exhaust.errors import PermissionDenied
from exhaust.marts.names import trimmed
from exhaust.web.identity import Person

SECRET_HEADER = "X-Exhaust-Proxy-Secret"  # noqa: S105


class Proxy:
    """Believes a header that comes from a trusted address or a unix socket, with the secret."""

    def __init__(
        self,
        user_header: str,
        secret: str,
        networks: Collection[IPv4Network | IPv6Network],
        operators: Collection[str] = (),
        *,
        is_on_a_socket: bool = False,
    ) -> None:
        self._user_header = user_header
        self._secret = secret.encode()
        self._networks = networks
        self._operators = operators
        self._is_on_a_socket = is_on_a_socket

    def person(self, request: Request) -> Person | None:
        """Returns whom the proxy names. Raises PermissionDenied if it is not the proxy, and if it
        names nobody, or two."""
        given = request.headers.get(SECRET_HEADER, "").encode("latin-1", "replace")
        users = request.headers.getlist(self._user_header)
        is_proxy = self._is_trusted(request) and hmac.compare_digest(given, self._secret)
        user_id = trimmed(_text(users[0])) if len(users) == 1 else ""
        if not is_proxy or not user_id:
            raise PermissionDenied("The proxy did not say who is asking.")
        return Person(user_id, user_id in self._operators, user_id)

    def routes(self) -> list[Route]:
        return []

    def _is_trusted(self, request: Request) -> bool:
        if request.client is None:
            return self._is_on_a_socket
        try:
            address = ip_address(request.client.host)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def _text(header: str) -> str:
    """Returns a header's text: Starlette decodes bytes as Latin-1, proxies send UTF-8."""
    return header.encode("latin-1").decode("utf-8", "replace")
