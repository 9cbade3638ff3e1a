"""Templates: `render` gives them what every page needs."""

import gzip
import math
from datetime import UTC, date, datetime
from functools import cache, lru_cache, partial
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import jinja2
from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent
from starlette.requests import Request
from starlette.responses import HTMLResponse

from exhaust.text import Message, ordinal
from exhaust.web.language import DRAFTS, LANGUAGES, language_of, translations
from exhaust.web.security import CSRF_FIELD, csrf_token
from exhaust.web.site import site_of

LOCALES = {"en": "en_IN"}
"""How numbers and dates are written, where that is not just the language's."""
MAX_NUMBERS = 10_000
"""Numbers that are kept as a language writes them."""


def render(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """Returns a page, or a part of one (`parts/…`), in the language of whoever asks.

    Templates have what is in `context`, and person, session, csrf (a token), language, path, the
    function `_`, the filters `number`, `share`, `day`, `moment`, `size`, `told`, `ordinal`,
    `percent`.
    """
    language = language_of(request)
    site = site_of(request)
    html = (
        _environment(language)
        .get_template(template)
        .render(
            person=getattr(request.state, "person", None),
            session=getattr(request.state, "session", None),
            csrf=csrf_token(request),
            csrf_field=CSRF_FIELD,
            language=language,
            languages=LANGUAGES,
            is_draft=language in DRAFTS,
            path=request.url.path,
            query=request.query_params,
            zone=site.project.report_timezone.key,
            renewal=site.renewal(),
            **context,
        )
    )
    headers = {"Vary": "Accept-Encoding, Accept-Language, Cookie"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return HTMLResponse(html, status, headers)
    # Tokens in the page change every second, so its size says nothing about them.
    headers["Content-Encoding"] = "gzip"
    return HTMLResponse(gzip.compress(html.encode(), 6, mtime=0), status, headers)


@cache
def _environment(language: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("exhaust.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    catalogue = translations(language)
    vars(environment)["install_gettext_translations"](catalogue, newstyle=True)
    environment.globals["static"] = static_url
    environment.globals["with_query"] = with_query
    locale = Locale.parse(LOCALES.get(language, language))
    # A page has hundreds of numbers, most of them small, and Babel takes long to write one.
    number = lru_cache(MAX_NUMBERS)(partial(format_decimal, locale=locale))
    environment.filters.update(
        number=number,
        ordinal=ordinal if language == "en" else number,
        percent=lambda value: format_percent(value / 100, locale=locale),
        share=lambda part, whole: share(part, whole, locale),
        day=lambda value: day(value, locale),
        moment=lambda value, zone: moment(value, zone, locale),
        size=lambda value: size(value, locale),
        told=lambda text: told(text, language),
    )
    return environment


def static_url(name: str) -> str:
    """Returns the address of a file in static/. It changes with the file: browsers keep it."""
    return f"/static/{_version(name)}/{name}"


@cache
def _version(name: str) -> str:
    import hashlib

    content = files("exhaust.web").joinpath("static", name).read_bytes()
    return hashlib.sha256(content).hexdigest()[:12]


def with_query(path: str, **values: object) -> str:
    """Returns a path with a query; values that are None are left out."""
    query = urlencode({name: value for name, value in values.items() if value is not None})
    return f"{path}?{query}" if query else path


def share(part: int, whole: int, locale: Locale) -> str:
    """`47 %` of a whole, as the locale writes it; a dash for nothing of nothing."""
    return format_percent(part / whole, locale=locale) if whole else "-"


def day(value: date | None, locale: Locale) -> str:
    return "" if value is None else format_date(value, "medium", locale=locale)


def moment(value: datetime | None, zone: str, locale: Locale) -> str:
    """A time in UTC as the day and time of a zone."""
    if value is None:
        return ""
    local = value.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    clock_time = format_time(local, "short", locale=locale)
    return f"{format_date(local, 'medium', locale=locale)}, {clock_time}"


def size(value: int, locale: Locale) -> str:
    """`1.2 MB`."""
    units = ("B", "kB", "MB", "GB", "TB")
    step = min(int(math.log10(value) // 3), len(units) - 1) if value else 0
    number = format_decimal(round(value / 1000**step, 1 if step else 0), locale=locale)
    return f"{number} {units[step]}"


def told(text: str, language: str) -> str:
    """Returns a message of the core in a language, with the messages in it; else as it is.

    A plain text, such as one from the database, is looked up whole.
    """
    catalogue = translations(language)
    if not isinstance(text, Message):
        # The catalogue has its own header under the empty text.
        return catalogue.gettext(text) if text else text
    values = {
        name: told(value, language) if isinstance(value, Message) else value
        for name, value in text.values.items()
    }
    try:
        return catalogue.gettext(text.template).format(**values)
    except (KeyError, IndexError, ValueError):
        return text
