"""People sign in at the organisation's provider (OpenID Connect)."""

from collections.abc import Collection, Mapping
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from exhaust.errors import NoConnection, PermissionDenied
from exhaust.web.identity import Person
from exhaust.web.identity.oidc import Attempt, Provider
from exhaust.web.pages import SIGN_IN, own_path, page
from exhaust.web.render import render
from exhaust.web.site import Site, set_session, site_of

CALLBACK = f"{SIGN_IN}/callback"
ATTEMPT_SECONDS = 600
"""How long somebody may take to sign in."""


class Login:
    """Starts a session for whoever the provider names."""

    def __init__(
        self, provider: Provider, user_claim: str = "", operators: Collection[str] = ()
    ) -> None:
        self._provider = provider
        self._user_claim = user_claim
        self._operators = operators

    def person(self, _: Request) -> Person | None:
        return None

    def routes(self) -> list[Route]:
        return [
            page(SIGN_IN, self.start, is_open=True),
            page(CALLBACK, self.finish, is_open=True),
            page("/signed-out", self.signed_out, is_open=True),
        ]

    def start(self, request: Request) -> Response:
        """Sends the browser to the provider, and remembers the attempt in a signed cookie."""
        site = site_of(request)
        attempt = Attempt()
        response = RedirectResponse(
            self._provider.authorization_url(attempt, site.public_url + CALLBACK), 303
        )
        remembered = {**vars(attempt), "next": own_path(request.query_params.get("next"))}
        response.set_cookie(
            _cookie(site),
            _serializer(site).dumps(remembered),
            ATTEMPT_SECONDS,
            httponly=True,
            samesite="lax",
            secure=site.has_tls,
        )
        return response

    def finish(self, request: Request) -> Response:
        """Starts a session, if the provider's answer is the one to this browser's attempt."""
        site = site_of(request)
        try:
            attempt, path = _remembered(request)
            claims = self._provider.claims(
                _code(request, attempt), attempt, site.public_url + CALLBACK
            )
            person = self._person(claims)
        except PermissionDenied:
            response: Response = render(request, "sign_in_failed.html", 403)
        else:
            response = RedirectResponse(path, 303)
            set_session(response, site.sessions.start(person), request)
        response.delete_cookie(_cookie(site), httponly=True, samesite="lax", secure=site.has_tls)
        return response

    def signed_out(self, request: Request) -> Response:
        """Says so, and offers to sign out of the provider too."""
        try:
            url = self._provider.sign_out_url(site_of(request).public_url)
        except NoConnection:
            url = None
        return render(request, "signed_out.html", provider_url=url)

    def _person(self, claims: Mapping[str, Any]) -> Person:
        """Returns whom the claims name. Raises PermissionDenied if that is nobody."""
        user_id = (
            claims.get(self._user_claim)
            if self._user_claim
            # Keycloak's `sub` for users of a federation is `f:<federation>:<user ID>`.
            else str(claims["sub"]).rpartition(":")[2]
        )
        if not isinstance(user_id, str) or not user_id.strip():
            raise PermissionDenied("The provider's ID token names no user.")
        name = claims.get("name") or claims.get("preferred_username")
        return Person(user_id, user_id in self._operators, str(name or user_id))


def _remembered(request: Request) -> tuple[Attempt, str]:
    """Returns the attempt of this browser. Raises PermissionDenied."""
    site = site_of(request)
    try:
        found = _serializer(site).loads(
            request.cookies.get(_cookie(site), ""), max_age=ATTEMPT_SECONDS
        )
    except BadData as error:
        raise PermissionDenied("This browser did not begin to sign in.") from error
    path = own_path(found.pop("next"))
    return Attempt(**found), path


def _code(request: Request, attempt: Attempt) -> str:
    if request.query_params.get("state") != attempt.state:
        raise PermissionDenied("The answer is not to this browser's attempt.")
    return request.query_params.get("code", "")


def _cookie(site: Site) -> str:
    return f"{site.cookie_name}-login"


def _serializer(site: Site) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(site.keys.derived("login"))
