"""One person on their own machine: a token that can be used once is swapped for a session."""

import hashlib
import hmac
import secrets
import threading
from html import escape

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from exhaust.web.identity import Person
from exhaust.web.pages import SIGN_IN, own_path, page
from exhaust.web.render import render
from exhaust.web.site import set_session, site_of


class Laptop:
    """Acts as the operator, or as one user."""

    def __init__(self, user_id: str | None, operator_label: str = "operator") -> None:
        self._person = Person(user_id, user_id is None, user_id or operator_label)
        self._lock = threading.Lock()
        self._token_hash: bytes | None = None

    def new_token(self) -> str:
        """Returns a token that signs in once; the one before is worth nothing any more."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._token_hash = _hash(token)
        return token

    def person(self, _: Request) -> Person | None:
        return None

    def routes(self) -> list[Route]:
        return [page(SIGN_IN, self.sign_in, is_open=True), page("/signed-out", out, is_open=True)]

    def sign_in(self, request: Request) -> Response:
        """Swaps a token for a session; without one, says where to find it."""
        token = request.query_params.get("token")
        if token is None or not self._is_used_up_by(token):
            status = 200 if token is None else 403
            response: Response = render(
                request, "sign_in_laptop.html", status, is_wrong=token is not None
            )
        else:
            response = RedirectResponse(own_path(request.query_params.get("next")), 303)
            set_session(response, site_of(request).sessions.start(self._person), request)
        # The address of this page has the token in it.
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def _is_used_up_by(self, token: str) -> bool:
        with self._lock:
            expected = self._token_hash
            if expected is None or not hmac.compare_digest(expected, _hash(token)):
                return False
            self._token_hash = None
            return True


def out(request: Request) -> Response:
    return render(request, "signed_out.html", provider_url=None)


def opening_page(address: str) -> str:
    """Returns a page that leads a browser to an address; the file is private, arguments of a
    process are not."""
    return (
        '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0; url={escape(address)}"><title>exhaust</title>'
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
