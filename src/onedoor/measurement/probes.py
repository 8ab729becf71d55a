"""Holds a portal against features as anybody may visit it: pages, files, where a stranger is led, what a run proved."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

import lxml.html
from lxml.etree import ParserError
from lxml.html import HtmlElement

from onedoor.kernel.text import gettext_noop
from onedoor.measurement.features import Feature, FeatureList, Probe, Proof

OK, FOUND = 200, 302
MOST_SERVICES = 20
"""Services whose pages a probe looks at: the first by id."""
PRESENT, ABSENT, WAITING, UNPROBED = "present", "absent", "waiting", "unprobed"
STATES = (PRESENT, ABSENT, WAITING, UNPROBED)
WHYS: Mapping[str, str] = {
    "holds": gettext_noop("It holds what the feature asks for; languages in which it answers: {n}."),
    "lacks": gettext_noop("{path} answers, but it does not hold what the feature asks for."),
    "silent": gettext_noop("{path} answers with {status}."),
    "file": gettext_noop("The file is published."),
    "other-file": gettext_noop("{path} answers with another kind of file."),
    "guarded": gettext_noop("It is there, behind sign-in."),
    "open": gettext_noop("{path} is shown without sign-in, so it is nobody’s own."),
    "filed": gettext_noop("It is there, behind sign-in; the run of case {case} took a whole service here."),
    "no-run": gettext_noop("Not checkable yet: no run has passed on the definition in force."),
    "languages": gettext_noop("Languages that the site speaks: {n}."),
    "secure": gettext_noop("The portal is reached over HTTPS."),
    "insecure": gettext_noop("The portal is not reached over HTTPS."),
    "finds": gettext_noop("A search for “{title}” finds that service."),
    "finds-not": gettext_noop("A search for “{title}” does not find that service."),
    "proved": gettext_noop("“{title}” is filed online and delivers it: the run of case {case} proves it."),
    "no-result": gettext_noop("Not checkable yet: no run of “{title}” on the definition in force has delivered it."),
    "offline": gettext_noop("“{title}” is not filed online."),
    "no-service": gettext_noop("The portal does not offer the service {service}, which is named for it."),
    "nothing": gettext_noop("The portal offers no service to look at."),
    "unprobed": gettext_noop("No probe: nothing here is held against it yet."),
}
"""What a probe found, by its word."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address answered: status, media type, bytes, and where it leads on to if it does."""

    status: int
    media: str
    content: bytes
    onward: str = ""


Ask = Callable[[str], Answer]
"""Asks a path of the portal, query and all; raises `OSError` when it cannot be reached."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a feature: its state, a word of `WHYS` with facts, and the paths that are the evidence."""

    feature: Feature
    state: str
    why: str
    facts: Mapping[str, object] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()


@dataclass
class Portal:
    """A portal at *origin* as *ask* sees it; *language* is that of the titles it tells."""

    ask: Ask
    origin: str
    language: str

    def __post_init__(self) -> None:
        """Begin without any answer: each path is asked once."""
        self._known: dict[str, Answer] = {}

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


def check(features: FeatureList, evidence: Mapping[str, Proof], portal: Portal) -> list[Finding]:
    """Return what becomes of every feature; *evidence* names what of the nation stands for a code."""
    return [_checked(one, features.probes.get(one.code), evidence.get(one.code), portal) for one in features.all]


def _checked(feature: Feature, probe: Probe | None, proof: Proof | None, portal: Portal) -> Finding:
    if probe:
        return Finding(feature, *KINDS[probe.kind](probe, portal))
    if proof:
        return Finding(feature, *_service(proof.service, proof.result, portal))
    return Finding(feature, UNPROBED, "unprobed")


Found = tuple[str, str, Mapping[str, object], tuple[str, ...]]


def _page(probe: Probe, portal: Portal) -> Found:
    paths = list(_paths(probe, portal))
    if not paths:
        return WAITING, "nothing", {}, ()
    for path in paths:
        page = portal.tree(path)
        if page is None:
            return ABSENT, "silent", {"path": path, "status": portal.get(path).status}, ()
        if not _holds(probe, page, portal):
            return ABSENT, "lacks", {"path": path}, ()
    return PRESENT, "holds", {"n": len(portal.languages)}, tuple(paths[: len(portal.languages)])


def _holds(probe: Probe, page: HtmlElement, portal: Portal) -> bool:
    found = all(page.xpath(one) for one in probe.has) and not any(page.xpath(one) for one in probe.lacks)
    sheets = (str(one) for one in page.xpath("//link[@rel='stylesheet'][starts-with(@href, '/')]/@href"))
    return found and (not probe.styles or any(probe.styles.encode() in portal.get(one).content for one in sheets))


def _paths(probe: Probe, portal: Portal) -> Iterator[str]:
    """Yield the paths of a probe in every language, for each service where it is about one."""
    names: Sequence[str] = list(portal.services)[:MOST_SERVICES] if "{service}" in probe.path else [""]
    yield from (f"/{code}/{probe.path.format(service=name)}" for name in names for code in portal.languages)


def _file(probe: Probe, portal: Portal) -> Found:
    answer = portal.get(probe.path)
    if answer.status != OK:
        return ABSENT, "silent", {"path": probe.path, "status": answer.status}, ()
    if answer.media not in probe.media:
        return ABSENT, "other-file", {"path": probe.path}, ()
    return PRESENT, "file", {}, (probe.path,)


def _guarded(probe: Probe, portal: Portal) -> Found:
    """Find a page that asks a stranger to sign in; with ``shown``, a run must have gone through it."""
    paths = list(_paths(probe, portal))
    if not paths:
        return WAITING, "nothing", {}, ()
    for path in paths:
        answer = portal.get(path)
        if answer.status == OK:
            return ABSENT, "open", {"path": path}, ()
        if answer.status != FOUND or "/sign-in" not in urlsplit(answer.onward).path:
            return ABSENT, "silent", {"path": path, "status": answer.status}, ()
    evidence = tuple(paths[: len(portal.languages)])
    if not probe.shown:
        return PRESENT, "guarded", {}, evidence
    cases = (portal.proof(service, probe.shown) for service in portal.services)
    case = next(filter(None, cases), "")
    return (PRESENT, "filed", {"case": case}, evidence) if case else (WAITING, "no-run", {}, ())


def _languages(probe: Probe, portal: Portal) -> Found:
    codes = portal.languages
    state = PRESENT if len(codes) >= probe.least else ABSENT
    return state, "languages", {"n": len(codes)}, tuple(f"/{code}/" for code in codes)


def _secure(_probe: Probe, portal: Portal) -> Found:
    secure = urlsplit(portal.origin).scheme == "https"
    return (PRESENT, "secure", {}, ("/",)) if secure else (ABSENT, "insecure", {}, ())


def _search(probe: Probe, portal: Portal) -> Found:
    """Find a form that searches, and let it find the first services by their own titles."""
    if not portal.services:
        return WAITING, "nothing", {}, ()
    path = f"/{portal.language}/{probe.path}"
    page = portal.tree(path)
    if page is None or not page.xpath("//form[@role='search']//input[@name='q']"):
        return ABSENT, "lacks", {"path": path}, ()
    for service, title in list(portal.services.items())[:MOST_SERVICES]:
        asked = f"{path}?q={quote(title)}"
        found = portal.tree(asked)
        if found is None or not any(link.endswith(f"/services/{service}") for link in found.xpath("//main//a/@href")):
            return ABSENT, "finds-not", {"title": title}, ()
    service, title = next(iter(portal.services.items()))
    return PRESENT, "finds", {"title": title}, (f"{path}?q={quote(title)}",)


def _service(service: str, result: str, portal: Portal) -> Found:
    """Find a service that is filed online, and of which a run delivered the result."""
    title = portal.services.get(service)
    if title is None:
        return ABSENT, "no-service", {"service": service}, ()
    if not any(row["level"] for row in portal.stages if row["service"] == service):
        return ABSENT, "offline", {"title": title}, ()
    case = portal.proof(service, ["submission"], result)
    if not case:
        return WAITING, "no-result", {"title": title}, ()
    page = f"/{portal.language}/figures/stages/{service}"
    return PRESENT, "proved", {"title": title, "case": case}, (f"/{portal.language}/services/{service}", page)


KINDS: Mapping[str, Callable[[Probe, Portal], Found]] = {
    "page": _page,
    "file": _file,
    "guarded": _guarded,
    "languages": _languages,
    "secure": _secure,
    "search": _search,
}
"""What a probe can be, by the word of a file."""
