"""The catalogues of the pages' languages."""

from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as CatalogMessage
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from support import PROJECT

from exhaust.text import Message
from exhaust.web.language import DRAFTS, LANGUAGES, LOCALE, translations
from exhaust.web.render import told

PACKAGE = PROJECT / "runner" / "exhaust"


def catalogue(file: Path, language: str | None = None) -> Catalog:
    with file.open("rb") as lines:
        return read_po(lines, locale=language)


def texts(catalogue: Catalog) -> set[object]:
    return {message.id for message in catalogue if message.id}


def file_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "messages.po"


def test_every_text_of_the_pages_is_in_the_template() -> None:
    with (LOCALE / "babel.cfg").open() as config:
        methods, options = parse_mapping_cfg(config)  # type: ignore[no-untyped-call]
    keywords = {
        "_": None,
        "gettext": None,
        "ngettext": (1, 2),
        "Message": None,
    }
    found = {
        text for _, _, text, _, _ in extract_from_dir(PACKAGE, methods, options, keywords=keywords)
    }
    assert found == texts(catalogue(LOCALE / "messages.pot")), "run `make messages`"


@pytest.mark.parametrize("language", DRAFTS)
def test_every_text_has_a_translation(language: str) -> None:
    messages = catalogue(file_of(language), language)
    assert texts(messages) == texts(catalogue(LOCALE / "messages.pot")), "run `make messages`"
    assert [message.id for message in messages if message.id and not message.string] == []


@pytest.mark.parametrize("language", DRAFTS)
def test_translations_have_the_values_of_the_text(language: str) -> None:
    for message in catalogue(file_of(language), language):
        if isinstance(message.id, str) and message.id:
            assert values(message.id) == values(str(message.string)), message.id
        assert not errors_of(message)


def errors_of(message: CatalogMessage) -> list[object]:
    return [*message.check()]


def values(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_english_needs_no_catalogue() -> None:
    assert set(LANGUAGES) - set(DRAFTS) == {"en"}
    assert translations("en").gettext("Courses") == "Courses"


def test_an_error_of_the_core_is_said_in_the_language_of_the_page() -> None:
    text = Message("The target {target} is held by {holder}.", target="dev", holder="{x}")
    assert text == "The target dev is held by {x}."
    assert told(text, "en") == text
    assert told(text, "hi") == "dev पर काम चल रहा है: {x}।"
    assert told("Something else.", "hi") == "Something else."


def test_a_message_in_a_message_is_translated_too() -> None:
    district = Message("district")
    text = Message("the learner has declared no known {location}", location=district)
    assert text == "the learner has declared no known district"
    assert told(text, "hi") == "शिक्षार्थी ने कोई ज्ञात ज़िला घोषित नहीं किया है"
    assert told(text, "en") == text


def test_a_value_is_no_text_of_the_pages() -> None:
    text = Message("derived from the school {school}", school="validated")
    assert told(text, "hi") == "विद्यालय validated से लिया गया"


def test_a_text_of_the_database_is_looked_up_whole() -> None:
    assert told("only attempt", "hi") == "एकमात्र प्रयास"
    for text in ("", "{x}", "only attempt of 2"):
        assert told(text, "hi") == text
