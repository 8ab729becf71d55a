"""The pages that anybody reaches from the first one of a portal, and what is named there by links and headings."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from onedoor.kernel.text import fold

MOST_PAGES, DEEPEST = 30, 2
"""How many pages are looked at in a language, and how many links away from the first they may be."""


@dataclass(frozen=True, slots=True)
class Named:
    """A link or a heading: its words, folded, the path of its page, and where it leads ("" for a heading)."""

    words: str
    page: str
    href: str


@dataclass(frozen=True)
class Walked:
    """The paths of the pages that were reached, the first one first, and what is named on them."""

    pages: tuple[str, ...]
    named: tuple[Named, ...]

    def find(self, words: Sequence[str]) -> Iterator[Named]:
        """Yield what is named by one of *words*, each a few whole words in a row, accents or not."""
        wanted = [word for word in (f" {fold(one)} " for one in words) if word in self._whole]
        yield from (one for one in self.named if any(word in f" {one.words} " for word in wanted))

    @cached_property
    def _whole(self) -> str:
        """Return all names in one text: most words are in none."""
        return "\n".join(f" {one.words} " for one in self.named)


def walk(first: str, tree: Callable[[str], HtmlElement | None]) -> Walked:
    """Return what is reached from the path *first*, such as ``/en/``; *tree* gives the page at a path, if there is one.

    Followed are links to pages below *first*: no other language, no question, no file.
    """
    ahead, seen = [(first, 0)], {first}
    pages: list[str] = []
    named: list[Named] = []
    for path, depth in ahead:
        page = tree(path) if len(pages) < MOST_PAGES else None
        if page is None:
            continue
        pages.append(path)
        named += _named(path, page)
        onward = [one for one in _onward(path, page, first) if depth < DEEPEST and one not in seen]
        ahead += [(one, depth + 1) for one in onward]
        seen.update(onward)
    return Walked(tuple(pages), tuple(named))


def headings(page: HtmlElement) -> Iterator[str]:
    """Yield the headings of a page, folded."""
    yield from (fold(one.text_content()) for one in page.xpath("//main//*[self::h1 or self::h2 or self::h3]"))


def _named(path: str, page: HtmlElement) -> Iterator[Named]:
    yield from (Named(words, path, "") for words in headings(page))
    for link in page.xpath("//a[@href][not(@hreflang)]"):
        href = str(link.get("href"))
        yield Named(fold(f"{link.text_content()} {link.get('aria-label', '')}"), path, urljoin(path, href))


def _onward(path: str, page: HtmlElement, first: str) -> list[str]:
    links = (urlsplit(urljoin(path, str(href))) for href in page.xpath("//a/@href"))
    found = [one.path for one in links if not one.netloc and not one.query and one.path.startswith(first)]
    return list(dict.fromkeys(one for one in found if "." not in one.rpartition("/")[2] or "/services/" in one))
