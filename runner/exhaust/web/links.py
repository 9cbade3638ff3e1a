"""Addresses of files that whoever knows them may use for half an hour."""

from dataclasses import astuple, dataclass

from itsdangerous import BadData, URLSafeTimedSerializer

from exhaust.errors import NotFound
from exhaust.web.site import Site

PATH = "/links/"
SECONDS = 30 * 60


@dataclass(frozen=True)
class Link:
    """What a signed address opens: a file of a request, or all (None), with a user's rights."""

    request_id: str
    file: str | None
    user_id: str


def signed_url(site: Site, link: Link) -> str:
    """Returns an address that opens the link for half an hour, if its user then still may."""
    return f"{site.public_url}{PATH}{_serializer(site).dumps(astuple(link))}"


def read_link(site: Site, token: str) -> Link:
    """Returns what a signed address opens. Raises NotFound if it is altered or has expired."""
    try:
        return Link(*_serializer(site).loads(token, max_age=SECONDS))
    except BadData as error:
        raise NotFound("This address was altered, or has expired.") from error


def _serializer(site: Site) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(site.keys.derived("download link"))
