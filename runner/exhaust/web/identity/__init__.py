"""Who is asking: one module for each way in."""

from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.routing import Route


@dataclass(frozen=True)
class Person:
    """Who is asking."""

    user_id: str | None
    """None acts as the operator, who sees everything."""
    is_operator: bool
    label: str
    """What the page calls the person."""


class Identity(Protocol):
    """A way to find out who is asking."""

    def person(self, request: Request) -> Person | None:
        """Returns who is asking, where a request says so itself; None is a stranger, unless there
        is a session. Raises PermissionDenied for a forgery."""

    def routes(self) -> list[Route]:
        """Returns the pages for signing in, which start a session."""
