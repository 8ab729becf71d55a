"""A browser without JavaScript: cookies, redirects, links and forms of server-rendered pages."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

import lxml.html
import requests
from lxml.html import FormElement, HtmlElement

from onedoor.kernel.errors import OnedoorError, Unavailable
from onedoor.kernel.said import said

SECONDS = 30.0
REDIRECTS = 10


class UnexpectedPage(OnedoorError):
    """The page {address} was not what the story expected: {what}. Please look at it in your browser."""


@dataclass
class Page:
    """What an address answered: its final address, status, media type and bytes."""

    address: str
    status: int
    media: str
    content: bytes

    @property
    def tree(self) -> HtmlElement:
        """Return the parsed document, with absolute links."""
        text = self.content.decode() or "<html></html>"
        tree: HtmlElement = lxml.html.document_fromstring(text)
        tree.make_links_absolute(self.address)
        return tree

    def text(self) -> str:
        """Return the visible text of the page's main part, spaces evened."""
        found = self.tree.xpath("//main")
        return " ".join(found[0].text_content().split()) if found else ""

    def found(self) -> "Page":
        """Return this page if it was answered well; raise `UnexpectedPage` with its words otherwise."""
        if self.status != HTTPStatus.OK:
            words = self.text() if self.media == "text/html" else self.content.decode(errors="replace")
            raise UnexpectedPage(address=self.address, what=words[:300])
        return self

    def link(self, part: str) -> str:
        """Return the first link whose address contains *part*; raise `UnexpectedPage`."""
        for link in self.tree.xpath("//a/@href"):
            if part in link:
                return str(link)
        raise UnexpectedPage(address=self.address, what=said("no link with “{part}”", part=part))

    def form(self, field: str) -> "Form":
        """Return the form that has *field*; raise `UnexpectedPage`."""
        for form in self.tree.forms:
            if field in form.fields or form.xpath(f".//button[@name='{field}']"):
                return Form(self, form)
        raise UnexpectedPage(
            address=self.address, what=said("no form with “{field}”: {text}", field=field, text=self.text()[:300])
        )

    def main_form(self) -> "Form":
        """Return the form of the page's main part that posts; raise `UnexpectedPage`."""
        for form in self.tree.xpath("//main//form"):
            if form.method == "POST":
                return Form(self, form)
        raise UnexpectedPage(address=self.address, what=said("no form: {text}", text=self.text()[:300]))


@dataclass
class Form:
    """A form of a page, filled field by field as a person would."""

    page: Page
    element: FormElement

    @property
    def names(self) -> set[str]:
        """Return the names of the fields."""
        return set(self.element.fields.keys())

    def fill(self, values: Mapping[str, str]) -> "Form":
        """Set fields by name; a field that is not there raises `UnexpectedPage`."""
        for name, value in values.items():
            if name not in self.element.fields:
                raise UnexpectedPage(
                    address=self.page.address,
                    what=said("no field “{name}” among {names}", name=name, names=", ".join(sorted(self.names))),
                )
            if value in self.options(name):
                self.choose(name, value)
            else:
                self.element.fields[name] = value
        return self

    def options(self, name: str) -> list[str]:
        """Return the values that can be chosen for *name*, without the empty one."""
        found = self.element.xpath(
            f".//select[@name='{name}']/option/@value|.//input[@type='radio'][@name='{name}']/@value"
        )
        return [value for value in found if value]

    def choose(self, name: str, value: str) -> None:
        """Choose *value* of a select or of radio buttons, though there be only one."""
        for radio in self.element.xpath(f".//input[@type='radio'][@name='{name}']"):
            radio.attrib.pop("checked", None)
            if radio.get("value") == value:
                radio.set("checked", "checked")
        for select in self.element.xpath(f".//select[@name='{name}']"):
            select.value = value

    def chosen(self, name: str) -> bool:
        """Return whether something is chosen or filled in for *name*."""
        return any(value for field, value in self.element.form_values() if field == name)


class Browser:
    """One person's browser: keeps cookies, follows redirects, sends forms."""

    def __init__(self, language: str) -> None:
        headers = {"Accept-Language": language, "Accept": "text/html,application/json;q=0.9"}
        self.session = requests.Session()
        self.session.headers.update(headers)

    def get(self, address: str) -> Page:
        """Open *address*."""
        return self._page("GET", address)

    def submit(
        self, form: Form, button: tuple[str, str] | None = None, files: Mapping[str, tuple[str, bytes]] | None = None
    ) -> Page:
        """Send *form*, with a named button and files where given."""
        address = form.element.action or form.page.address
        pairs = [*form.element.form_values(), *([button] if button else [])]
        data: dict[str, list[str]] = {}
        for name, value in pairs:
            if name not in (files or {}):
                data.setdefault(name, []).append(value or "")
        if form.element.method == "GET":
            return self._page("GET", address, params=data)
        return self._page("POST", address, data=data, files=files, headers={"Referer": address})

    def until(self, address: str, ready: Callable[[Page], bool], seconds: float = 60) -> Page:
        """Open *address* again and again until ``ready(page)``; raise `UnexpectedPage` after *seconds*."""
        end, pause = time.monotonic() + seconds, 0.05
        while True:
            page = self._page_if_any(address, end)
            if page and ready(page):
                return page
            if time.monotonic() > end:
                raise UnexpectedPage(address=address, what=(page.text()[:300] if page else said("no answer")))
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)

    def _page_if_any(self, address: str, end: float) -> Page | None:
        try:
            return self.get(address)
        except Unavailable:
            if time.monotonic() > end:
                raise
            return None

    def _page(self, method: str, address: str, **sent: object) -> Page:
        """Send a request and follow where it leads, one step after another, each of which may be tried again alone."""
        for _ in range(REDIRECTS):
            answer = self._answer(method, address, **sent)
            if not answer.is_redirect:
                media = answer.headers.get("content-type", "").split(";")[0]
                return Page(answer.url, answer.status_code, media, answer.content)
            method, address, sent = "GET", urljoin(answer.url, answer.headers["location"]), {}
        raise UnexpectedPage(address=address, what=said("redirected without end"))

    def _answer(self, method: str, address: str, **sent: object) -> requests.Response:
        """Return what one request is answered; raise `Unavailable` when nobody does."""
        try:
            return self.session.request(method, address, timeout=SECONDS, allow_redirects=False, **sent)  # type: ignore[arg-type]
        except (requests.ConnectionError, requests.Timeout) as broken:
            raise Unavailable(who=urlsplit(address).netloc) from broken
