"""Holds a portal against features as anybody may visit it: pages, files, where a stranger is led, what a run proved."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from urllib.parse import quote, urlsplit

from lxml.html import HtmlElement

from onedoor.kernel.text import fold, gettext_noop, pick
from onedoor.measurement import standards
from onedoor.measurement.features import Feature, FeatureList, Probe, Proof
from onedoor.measurement.portal import OK, Portal

FOUND = 302
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
    "no-page": gettext_noop("Not checkable yet: the portal shows no page to look at."),
    "named": gettext_noop("Found under such a name; pages looked at from the first one on: {n}."),
    "not-named": gettext_noop(
        "Looked for “{words}” among links and headings, from the first page on: of {n} pages none has it."
    ),
    "offered": gettext_noop("The portal offers “{title}”; the nation’s files name no result of it as the evidence."),
    "not-offered": gettext_noop("Looked for “{words}” among the titles of the services on offer: of {n} none has it."),
    "dated": gettext_noop("It shows the date {day}."),
    "not-dated": gettext_noop("Looked for a marked date of the last {days} days: of {n} pages none shows one."),
    "standard": gettext_noop("A parser of the standard finds no fault; looked at: {n}."),
    "fault": gettext_noop("{path} breaks the standard, line {fault}"),
    "beyond": gettext_noop("No visit to the portal can show it: {why}"),
    "unprobed": gettext_noop("No probe: nothing here is held against it yet."),
}
"""What a probe found, by its word."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a feature: its state, a word of `WHYS` with facts, and the paths that are the evidence."""

    feature: Feature
    state: str
    why: str
    facts: Mapping[str, object] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()


def check(features: FeatureList, evidence: Mapping[str, Proof], portal: Portal) -> list[Finding]:
    """Return what becomes of every feature; *evidence* names what of the nation stands for a code."""

    @cache
    def found(code: str) -> Found:
        probe, proof = features.probes.get(code), evidence.get(code)
        if proof:
            return _service(proof.service, proof.result, portal)
        if probe is None:
            return UNPROBED, "unprobed", {}, ()
        before = found(probe.of) if probe.of else None
        return before if before and before[0] != PRESENT else KINDS[probe.kind](probe, portal)

    return [Finding(one, *found(one.code)) for one in features.all]


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


def _named(probe: Probe, portal: Portal) -> Found:
    """Find, in every language of the site that has words for it, a heading of such a name, or a link to one."""
    spoken = [code for code in portal.languages if code in probe.words]
    if not spoken or not portal.looked_at:
        return WAITING, "no-page", {}, ()
    evidence = [portal.called(code, probe.words[code]) for code in spoken]
    if all(evidence):
        return PRESENT, "named", {"n": portal.looked_at}, tuple(evidence)
    return ABSENT, "not-named", {"words": _first(probe, portal), "n": portal.looked_at}, ()


def _first(probe: Probe, portal: Portal) -> str:
    return next(iter(probe.words.get(portal.language, ())), "")


def _catalogue(probe: Probe, portal: Portal) -> Found:
    """Look for a service whose title has one of the words; that it is one is for the nation's files to say."""
    wanted = [f" {fold(one)} " for one in probe.words.get(portal.language, ())]
    titles = portal.services.values()
    if not titles:
        return WAITING, "nothing", {}, ()
    title = next((one for one in titles if any(word in f" {fold(one)} " for word in wanted)), "")
    if title:
        return WAITING, "offered", {"title": title}, ()
    return ABSENT, "not-offered", {"words": _first(probe, portal), "n": len(titles)}, ()


def _dated(probe: Probe, portal: Portal) -> Found:
    """Find a page with a marked date (HTML's ``time``) of the last days, as many as ``least`` says."""
    pages = portal.walked(portal.language).pages
    if not pages:
        return WAITING, "no-page", {}, ()
    for path in pages:
        page = portal.tree(path)
        told = () if page is None else page.xpath("//main//time/@datetime")
        if day := next((one for one in map(str, told) if _recent(one[:10], probe.least, portal.today)), ""):
            return PRESENT, "dated", {"day": day[:10]}, (path,)
    return ABSENT, "not-dated", {"days": probe.least, "n": len(pages)}, ()


def _recent(day: str, days: int, today: date) -> bool:
    try:
        return timedelta(0) <= today - date.fromisoformat(day) <= timedelta(days)
    except ValueError:
        return False


def _markup(_probe: Probe, portal: Portal) -> Found:
    return _held(portal.walked(portal.language).pages, standards.fault_of_markup, portal)


def _styles(_probe: Probe, portal: Portal) -> Found:
    page = portal.tree(f"/{portal.language}/")
    sheets = [] if page is None else page.xpath("//link[@rel='stylesheet'][starts-with(@href, '/')]/@href")
    return _held([str(one) for one in sheets], standards.fault_of_styles, portal)


def _held(paths: Sequence[str], fault_of: Callable[[bytes], str], portal: Portal) -> Found:
    """Hold each file to its standard; a portal without any has nothing to keep to it."""
    for path in paths:
        if fault := fault_of(portal.get(path).content):
            return ABSENT, "fault", {"path": path, "fault": fault}, ()
    return (PRESENT, "standard", {"n": len(paths)}, tuple(paths)) if paths else (WAITING, "no-page", {}, ())


def _beyond(probe: Probe, portal: Portal) -> Found:
    return UNPROBED, "beyond", {"why": pick(probe.why, portal.language)}, ()


KINDS: Mapping[str, Callable[[Probe, Portal], Found]] = {
    "page": _page,
    "file": _file,
    "guarded": _guarded,
    "languages": _languages,
    "secure": _secure,
    "search": _search,
    "named": _named,
    "catalogue": _catalogue,
    "dated": _dated,
    "markup": _markup,
    "styles": _styles,
    "beyond": _beyond,
}
"""What a probe can be, by the word of a file."""
