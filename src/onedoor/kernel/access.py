"""Access rules of routes, as data: middleware enforces them, a test lists them all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import NotAllowed, SignInNeeded

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Access:
    """A rule for a route: ``who`` is ``public``, ``person``, ``officer``, ``gateway``, ``system`` or ``watcher``.

    The last two are for listeners without Django: an own system as its gateway tells it, and who watches.
    """

    who: str
    level: int = 0

    def check(self, actor: Actor, *, gateway: bool) -> None:
        """Raise unless *actor* (or the agency's own gateway over mutual TLS) may take this route."""
        if self.who == "public":
            return
        if self.who == "gateway":
            if not gateway:
                raise NotAllowed
            return
        if not actor.known:
            raise SignInNeeded
        if (self.who == "officer") != bool(actor.post) or actor.level < self.level:
            raise NotAllowed


PUBLIC = Access("public")
PERSON = Access("person", level=1)
IDENTIFIED = Access("person", level=2)
OFFICER = Access("officer", level=2)
GATEWAY = Access("gateway")
SYSTEM = Access("system")
WATCHER = Access("watcher")


def access(rule: Access) -> Callable[[View], View]:
    """Attach *rule* to a view; a view without a rule is refused to everybody."""

    def mark(view: View) -> View:
        view.access = rule  # type: ignore[attr-defined]
        return view

    return mark


def acting(request: object) -> Actor:
    """Return who acts in *request*, as the middleware that enforces the rules filled it in."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
