"""What stands around every page: languages, menu, account, what kind of data this is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from babel import Locale
from django.http import HttpRequest
from django.urls import NoReverseMatch
from django.utils.translation import gettext as _

from onedoor.kernel import nation
from onedoor.kernel.actor import NOBODY, Actor
from onedoor.kernel.settings import current as settings
from onedoor.kernel.text import pick
from onedoor.site import addresses
from onedoor.site.dates import language


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the chrome; ``here`` marks the page we are on."""

    text: str
    href: str
    here: bool = False
    code: str = ""
    count: int = 0


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
    languages: tuple[Link, ...]
    menu: tuple[Link, ...]


def of(request: HttpRequest, *, calm: bool = False) -> Chrome:
    """Return the chrome of *request*; *calm* asks no database (for the page that says something broke)."""
    actor: Actor = NOBODY if calm else getattr(request, "actor", NOBODY)
    desk = settings().role == "node" or bool(actor.post)
    agency, post = _post(actor)
    corrections = "" if desk else _corrections()
    return Chrome(
        nation=pick(nation.current().name, language()),
        demonstration=settings().demonstration,
        desk=desk,
        actor=actor,
        agency=agency,
        post=post,
        home=_address("cases:desk" if desk else "procedures:home"),
        sign_in=_address("identity:sign-in"),
        sign_out=_address("identity:sign-out"),
        corrections=corrections,
        languages=tuple(_languages(request)),
        menu=tuple(_one_here(_desk_menu(request, actor) if desk else _menu(request, actor, corrections))),
    )


def _post(actor: Actor) -> tuple[str, str]:
    agency = nation.current().agencies.get(actor.agency) if actor.agency else None
    if agency is None:
        return "", ""
    post = agency.posts.get(actor.post.rpartition(".")[2])
    return pick(agency.name, language()), pick(post, language()) if post else ""


def _languages(request: HttpRequest) -> list[Link]:
    parts = request.path.split("/", 2)
    known = nation.current().languages
    rest = parts[2] if len(parts) > 2 and parts[1] in known else ""  # noqa: PLR2004 (before, language, rest)
    query = f"?{request.META['QUERY_STRING']}" if request.method == "GET" and request.META.get("QUERY_STRING") else ""
    return [Link(_own_name(code), f"/{code}/{rest}{query}", code == language(), code) for code in known]


@lru_cache
def _own_name(code: str) -> str:
    name = Locale.parse(code).get_language_name(code) or code
    return name[0].upper() + name[1:]


def _menu(request: HttpRequest, actor: Actor, corrections: str) -> list[Link]:
    menu = [_link(request, _("Services"), "procedures:search")]
    if actor.known:
        from onedoor.notices import service as notices

        menu.append(_link(request, _("My cases"), "cases:list"))
        if corrections:
            menu.append(_link(request, _("Corrections"), "registers:corrections"))
        menu.append(_link(request, _("Inbox"), "notices:inbox", notices.unread(request)))
    return menu


def _desk_menu(request: HttpRequest, actor: Actor) -> list[Link]:
    if not actor.known:
        return []
    if actor.post.endswith(".midwife"):
        return [_link(request, _("Birth notices"), "cases:birth-notice")]
    from onedoor.cases import service as cases

    menu = [_link(request, _("Cases received"), "cases:desk")]
    if cases.may_look_up(actor):
        menu.append(_link(request, _("Look up"), "cases:look-up"))
    return [*menu, _link(request, _("Corrections"), "registers:desk-corrections")]


def _corrections() -> str:
    """Return where a person says that a fact of a register is wrong; nothing where no register takes it."""
    from onedoor.registers import service as registers

    return _address("registers:correction-new") if registers.correctable() else ""


def _one_here(menu: list[Link]) -> Iterator[Link]:
    """Yield the links, only the one nearest to this page being here: the desk's own address begins all its others."""
    nearest = max((len(link.href) for link in menu if link.here), default=0)
    yield from (replace(link, here=link.here and len(link.href) == nearest) for link in menu)


def _link(request: HttpRequest, text: str, name: str, count: int = 0) -> Link:
    href = _address(name)
    return Link(text, href, request.path.startswith(href), count=count)


def _address(name: str) -> str:
    try:
        return addresses.of(name)
    except NoReverseMatch:
        return f"/{language()}/"
