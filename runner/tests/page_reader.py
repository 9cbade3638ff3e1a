"""Reads pages as a person would: headings, tables by their captions, links, forms, labels."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import urlencode

from httpx import Response
from starlette.testclient import TestClient

VOID = {"area", "br", "hr", "img", "input", "link", "meta", "col"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    children: "list[Element | str]" = field(default_factory=list)

    @property
    def text(self) -> str:
        parts = [one if isinstance(one, str) else one.text for one in self.children]
        return " ".join("".join(parts).split())

    def all(self, *tags: str) -> "list[Element]":
        """Returns the elements of these tags inside this one, in their order."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                found += [child] if child.tag in tags else []
                found += child.all(*tags)
        return found

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name, "")


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("page", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open[-1].tag == tag, f"</{tag}> ends <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


class Page:
    """A page that was read; every element has to be closed."""

    def __init__(self, html: str) -> None:
        builder = _Builder()
        builder.feed(html)
        builder.close()
        (self.root,) = builder.open

    def all(self, *tags: str) -> list[Element]:
        return self.root.all(*tags)

    @property
    def text(self) -> str:
        return self.root.text

    @property
    def heading(self) -> str:
        (heading,) = self.all("h1")
        return heading.text

    @property
    def status(self) -> str:
        """What a screen reader says when it changes."""
        return next(one.text for one in reversed(self.all("p")) if one["role"] == "status")

    def tables(self, caption: str) -> list[list[list[str]]]:
        """Returns the rows of the tables of a caption, as texts, without the header."""
        return [
            [[cell.text for cell in row.all("th", "td")] for row in body.all("tr")]
            for table in self.all("table")
            if table.all("caption") and table.all("caption")[0].text == caption
            for body in table.all("tbody")
        ]

    def table(self, caption: str) -> list[list[str]]:
        (table,) = self.tables(caption)
        return table

    def links(self) -> dict[str, str]:
        return {link.text: link["href"] for link in self.all("a")}

    def form(self, action: str) -> dict[str, str]:
        """Returns what the form of an address sends if nobody changes it."""
        (form,) = [one for one in self.all("form") if one["action"].split("#")[0] == action]
        sent = {}
        for one in form.all("input"):
            if one["name"] and ("checked" in one.attributes or one["type"] != "radio"):
                sent[one["name"]] = one["value"]
        for one in form.all("select"):
            sent[one["name"]] = one.all("option")[0]["value"]
        return sent


def faults(page: Page) -> list[str]:
    """Returns what a page has not got that a screen reader needs; a browser's test finds more."""
    found = []
    if len(page.all("h1")) != 1:
        found.append("not one h1")
    levels = [int(one.tag[1]) for one in page.all("h1", "h2", "h3", "h4")]
    if any(after > before + 1 for before, after in pairwise(levels)):
        found.append(f"levels of headings: {levels}")
    labelled = {label["for"] for label in page.all("label")}
    for field_ in page.all("input", "select", "textarea"):
        if field_["type"] != "hidden" and field_["id"] not in labelled:
            found.append(f"no label: {field_.attributes}")
    ids = [one["id"] for one in _everything(page.root) if one["id"]]
    found += [f"id twice: {one}" for one in {*ids} if ids.count(one) > 1]
    for one in _everything(page.root):
        for name in ("aria-labelledby", "aria-describedby"):
            found += [f"no id {id}" for id in one[name].split() if id not in ids]
    for table in page.all("table"):
        if not table.all("caption"):
            found.append("a table without a caption")
        found += [f"no scope: {cell.text}" for cell in table.all("th") if not cell["scope"]]
    for chart in page.all("svg"):
        if chart["aria-hidden"] != "true" and not (chart.all("title") and chart.all("desc")):
            found.append("a chart without a title or a description")
    return found


def _everything(element: Element) -> list[Element]:
    inner = [child for child in element.children if isinstance(child, Element)]
    return [*inner, *(found for child in inner for found in _everything(child))]


def query(path: str, **values: str) -> str:
    return f"{path}?{urlencode(values)}"


def read(client: TestClient, path: str, status: int = 200) -> Page:
    """Opens a page, which must have this status and no faults."""
    answer = client.get(path)
    assert answer.status_code == status, path
    return checked(answer)


def checked(answer: Response) -> Page:
    """Returns the page of an answer, which must have no faults."""
    page = Page(answer.text)
    assert faults(page) == [], answer.url
    return page
