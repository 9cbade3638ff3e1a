"""Where only the portal's routes are used: no page is for anybody."""

from starlette.requests import Request
from starlette.routing import Route

from exhaust.web import errors
from exhaust.web.identity import Person
from exhaust.web.pages import SIGN_IN, page


class NoPages:
    """Knows nobody, and says so where others sign in."""

    def person(self, _: Request) -> Person | None:
        return None

    def routes(self) -> list[Route]:
        return [page(SIGN_IN, errors.nothing_here, is_open=True)]
