"""The languages of the pages, and which one a person reads."""

import io
from functools import cache
from pathlib import Path

from babel.support import NullTranslations, Translations
from starlette.requests import Request

LOCALE = Path(__file__).with_name("locale")
COOKIE = "exhaust-language"
LANGUAGES = {"en": "English", "hi": "हिन्दी", "ta": "தமிழ்"}
"""The languages by their codes, as they call themselves; English is that of the code."""
DRAFTS = ("hi", "ta")
"""Languages whose catalogue no native reader has gone through."""


def language_of(request: Request) -> str:
    """Returns the language that was chosen on the page, else the browser's, else English."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    return _accepted(request.headers.get("accept-language", "")) or "en"


def _accepted(header: str) -> str | None:
    """Returns the language of ours that an Accept-Language prefers."""
    wanted = []
    for index, part in enumerate(header[:500].split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            wanted.append((-float(quality or 1), index, tag.partition("-")[0].strip().lower()))
        except ValueError:
            continue
    return next((tag for weight, _, tag in sorted(wanted) if weight and tag in LANGUAGES), None)


@cache
def translations(language: str) -> NullTranslations:
    """Returns the catalogue of a language, read from its messages.po."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    file = LOCALE / language / "LC_MESSAGES" / "messages.po"
    if not file.is_file():
        return NullTranslations()
    compiled = io.BytesIO()
    with file.open("rb") as lines:
        write_mo(compiled, read_po(lines, locale=language))
    compiled.seek(0)
    return Translations(compiled)
