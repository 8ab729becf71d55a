"""A portal as anybody may visit it: what its addresses answer, which pages it has, what it tells of its services."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import lxml.html
from lxml.etree import ParserError
from lxml.html import HtmlElement

from onedoor.kernel.text import fold
from onedoor.measurement.walk import Walked, headings, walk

OK = 200
WEB = ("http", "https")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address answered: status, media type, bytes, and where it leads on to if it does."""

    status: int
    media: str
    content: bytes
    onward: str = ""


Ask = Callable[[str], Answer]
"""Asks a path of the portal, query and all; raises `OSError` when it cannot be reached."""


@dataclass
class Portal:
    """A portal at *origin* as *ask* sees it on the day *today*; *language* is that of the titles it tells."""

    ask: Ask
    origin: str
    language: str
    today: date

    def __post_init__(self) -> None:
        """Begin without any answer: each path is asked once."""
        self._known: dict[str, Answer] = {}
        self._walks: dict[str, Walked] = {}

    def get(self, path: str) -> Answer:
        """Return what a path answers."""
        if path not in self._known:
            self._known[path] = self.ask(path)
        return self._known[path]

    def tree(self, path: str) -> HtmlElement | None:
        """Return the page at a path, nothing where there is none."""
        answer = self.get(path)
        try:
            return lxml.html.document_fromstring(answer.content) if answer.status == OK else None
        except (ParserError, ValueError):
            return None

    @cached_property
    def languages(self) -> list[str]:
        """Return the languages that the first page links to and that answer as such."""
        page = self.tree(f"/{self.language}/")
        codes = [] if page is None else page.xpath("//nav//a/@hreflang")
        pages = {str(code): self.tree(f"/{code}/") for code in codes}
        return [code for code, found in pages.items() if found is not None and found.get("lang") == code]

    def walked(self, code: str) -> Walked:
        """Return what is reached from the first page in a language."""
        if code not in self._walks:
            self._walks[code] = walk(f"/{code}/", self.tree)
        return self._walks[code]

    @property
    def looked_at(self) -> int:
        """Return how many pages were reached, in all languages."""
        return sum(len(self.walked(code).pages) for code in self.languages)

    def called(self, code: str, words: Sequence[str]) -> str:
        """Return where something is called by one of *words* in a language; nothing where nothing is.

        A link counts when the page it leads to has such a heading, or lies elsewhere.
        """
        for one in self.walked(code).find(words):
            target = urlsplit(one.href.removeprefix(self.origin))
            if not one.href or target.scheme in WEB:
                return one.href or one.page
            page = None if target.scheme else self.tree(target.path)
            told = [] if page is None else [f" {heading} " for heading in headings(page)]
            if any(f" {fold(word)} " in heading for word in words for heading in told):
                return target.path
        return ""

    @cached_property
    def stages(self) -> list[Mapping[str, Any]]:
        """Return the rows of the portal's board of stages."""
        answer = self.get(f"/{self.language}/figures/stages.json")
        rows: list[Mapping[str, Any]] = json.loads(answer.content)["stages"] if answer.status == OK else []
        return rows

    @cached_property
    def services(self) -> Mapping[str, str]:
        """Return the titles of the services that it offers, by id."""
        return {str(row["service"]): str(row["title"]) for row in sorted(self.stages, key=lambda row: row["service"])}

    def proof(self, service: str, shown: Iterable[str], result: str = "") -> str:
        """Return the case of the last run of a service if it showed all of *shown* and one delivered the *result*."""
        proofs = [row["proved"] for row in self.stages if row["service"] == service and row["proved"]]
        fitting = (
            one for one in proofs if set(shown) <= set(one["shown"]) and (not result or result in one["results"])
        )
        return next((str(one["case"]) for one in fitting), "")
