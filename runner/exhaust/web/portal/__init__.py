"""The API of Sunbird's own portal, for an unchanged portal in front of `exhaust serve`."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exhaust.web.limits import SEARCHES, Limit

if TYPE_CHECKING:
    from exhaust.web.identity.token import Tokens
    from exhaust.web.portal.upstream import Upstream

MOUNTS = ("/dataset/v1/request/", "/request/")
"""Where the portal and Kong look for it."""


@dataclass(frozen=True)
class Portal:
    """What its routes need, besides what every route does."""

    tokens: "Tokens"
    upstream: "Upstream | None" = None
    """The service that has the other datasets."""
    reads: Limit = field(default_factory=lambda: Limit(SEARCHES))
