"""What stands around every page: languages, menu, account, what kind of data this is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale
from django.conf import settings as routes
from django.http import HttpRequest
from django.urls import NoReverseMatch
from django.utils.translation import gettext as _

from onedoor.kernel import nation
from onedoor.kernel.actor import NOBODY, Actor
from onedoor.kernel.settings import current as settings
from onedoor.kernel.text import pick
from onedoor.site import addresses
from onedoor.site.dates import language


@dataclass(slots=True)
class Link:
    """A link of the chrome; ``here`` marks the page we are on."""

    text: str
    href: str
    here: bool = False
    code: str = ""
    count: int = 0
    counted: str = ""
    """What is counted, for who hears the page."""


@dataclass(frozen=True, slots=True)
class Chrome:
    """Everything the layout shows besides the page's own content."""

    nation: str
    demonstration: bool
    desk: bool
    actor: Actor
    agency: str
    post: str
    home: str
    sign_in: str
    sign_out: str
    corrections: str
    """Where a person says that a fact of a register is wrong; nothing where no register takes it."""
    reads: str
    """Where a person sees who read their data; nothing where no right lets the portal ask for that."""
    languages: tuple[Link, ...]
    menu: tuple[Link, ...]


def of(request: HttpRequest, *, calm: bool = False) -> Chrome:
    """Return the chrome of *request*; *calm* asks no database (for the page that says something broke)."""
    actor: Actor = NOBODY if calm else getattr(request, "actor", NOBODY)
    desk = settings().role == "node" or bool(actor.post)
    code = language()
    agency, post = _post(actor, code)
    corrections, reads = ("", "") if desk else (_corrections(code), _reads(code))
    menu = _desk_menu(request, actor, code) if desk else _menu(request, actor, code, corrections, reads)
    return Chrome(
        nation=pick(nation.current().name, code),
        demonstration=settings().demonstration,
        desk=desk,
        actor=actor,
        agency=agency,
        post=post,
        home=_address(code, "cases:desk" if desk else "procedures:home"),
        sign_in=_address(code, "identity:sign-in"),
        sign_out=_address(code, "identity:sign-out"),
        corrections=corrections,
        reads=reads,
        languages=tuple(_languages(request, code)),
        menu=tuple(_one_here(menu, request.path)),
    )


def _post(actor: Actor, code: str) -> tuple[str, str]:
    agency = nation.current().agencies.get(actor.agency) if actor.agency else None
    if agency is None:
        return "", ""
    post = agency.posts.get(actor.post.rpartition(".")[2])
    return pick(agency.name, code), pick(post, code) if post else ""


def _languages(request: HttpRequest, here: str) -> Iterator[Link]:
    parts = request.path.split("/", 2)
    known = nation.current().languages
    rest = parts[2] if len(parts) > 2 and parts[1] in known else ""  # noqa: PLR2004 (before, language, rest)
    query = f"?{request.META['QUERY_STRING']}" if request.method == "GET" and request.META.get("QUERY_STRING") else ""
    yield from (Link(_own_name(code), f"/{code}/{rest}{query}", code == here, code) for code in known)


@lru_cache
def _own_name(code: str) -> str:
    name = Locale.parse(code).get_language_name(code) or code
    return name[0].upper() + name[1:]


def _menu(request: HttpRequest, actor: Actor, code: str, corrections: str, reads: str) -> list[Link]:
    menu = [
        Link(*one)
        for one in _entries(routes.ROOT_URLCONF, code, known=actor.known, corrections=bool(corrections), reads=reads)
    ]
    if actor.known:
        from onedoor.notices import service as notices

        inbox = Link(_("Inbox"), _address(code, "notices:inbox"), count=notices.unread(request), counted=_("unread"))
        menu.append(inbox)
    return menu


@lru_cache
def _entries(_routes: str, code: str, *, known: bool, corrections: bool, reads: str) -> tuple[tuple[str, str], ...]:
    """Return text and address of what a menu in the language *code* begins with."""
    found = [
        (_("Services"), _address(code, "procedures:search")),
        (_("Figures"), _address(code, "measurement:figures")),
    ]
    if known:
        found.append((_("My cases"), _address(code, "cases:list")))
    if known and reads:
        found.append((_("Who read my data"), reads))
    if known and corrections:
        found.append((_("Corrections"), _address(code, "registers:corrections")))
    return tuple(found)


def _desk_menu(request: HttpRequest, actor: Actor, code: str) -> list[Link]:
    from onedoor.cases import service as cases
    from onedoor.exchange import domain as exchange
    from onedoor.measurement.assessments import definition as assessments
    from onedoor.privacy import service as privacy
    from onedoor.registers import service as registers

    if not actor.known:
        return []
    operation = [Link(_("Operation"), _address(code, "exchange:operation"))] if exchange.watches(actor) else []
    if operation and settings().role != "node":
        return operation
    if assessments.assesses(actor) or assessments.reconciles(actor):
        desk, figures = _address(code, "measurement:desk-assessments"), _address(code, "measurement:figures")
        return [Link(_("Assessments"), desk), Link(_("Figures"), figures)]
    if cases.issues_notices(actor):
        return [Link(_("Birth notices"), _address(code, "cases:birth-notice"))]
    menu = [Link(_("Cases received"), _address(code, "cases:desk"))]
    if cases.may_look_up(actor):
        menu.append(Link(_("Look up"), _address(code, "cases:look-up")))
    if registers.may_decide(actor):
        desk, late = _address(code, "registers:desk-corrections"), registers.late_corrections(request)
        menu.append(Link(_("Corrections"), desk, count=late, counted=_("late")))
    if privacy.handles_breaches(actor):
        menu.append(Link(_("Breaches"), _address(code, "privacy:desk-breaches")))
    if privacy.decides_on_requests(actor):
        menu.append(Link(_("Requests"), _address(code, "privacy:desk-requests")))
    if privacy.may_postpone(actor):
        menu.append(Link(_("Sealed reads"), _address(code, "privacy:desk-sealed")))
    return [*menu, *operation]


def _corrections(code: str) -> str:
    """Return where a person says that a fact of a register is wrong; nothing where no register takes it."""
    from onedoor.registers import service as registers

    return _address(code, "registers:correction-new") if registers.correctable() else ""


def _reads(code: str) -> str:
    """Return where a person sees who read their data; nothing where no right lets the portal ask for that."""
    from onedoor.privacy import service as privacy

    return _address(code, "privacy:reads") if privacy.lists_reads() else ""


def _one_here(menu: Sequence[Link], path: str) -> Sequence[Link]:
    """Return the links, the one nearest to *path* being here: the desk's own address begins all its others."""
    if near := [link for link in menu if path.startswith(link.href)]:
        max(near, key=lambda link: len(link.href)).here = True
    return menu


def _address(code: str, name: str) -> str:
    try:
        return addresses.within(code, name)
    except NoReverseMatch:
        return f"/{code}/"
