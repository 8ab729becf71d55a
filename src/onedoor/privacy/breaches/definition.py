"""What the nation's file says of breaches: the authority, the posts that give notice, and the dated limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.clock import Limit
from onedoor.privacy import rights, rules
from onedoor.privacy.breaches.rules import Layer, in_force
from onedoor.privacy.errors import UnknownPurpose
from onedoor.privacy.own import SERVICE as OWN_READS
from onedoor.privacy.rules import Reader

SERVICE = "breaches"
PURPOSE = "breach-notice"


@dataclass(frozen=True, slots=True)
class Duty:
    """Who gives notice of a breach (posts by member), to which system's posts, within which limits."""

    authority: str
    authority_posts: frozenset[str]
    reporters: Mapping[str, frozenset[str]]
    layers: tuple[Layer, ...]


def duty() -> Duty | None:
    """Return what the nation's file says; None when it has none: then nobody gives notice here."""
    return nation.current().once(_read)


def _read(country: nation.Nation) -> Duty | None:
    found = country.documents("breach")
    if not found:
        return None
    data = found[0].data
    layers = (
        Layer(
            tuple(one["laws"]),
            Limit.parse(one["limit"]),
            date.fromisoformat(one["valid_from"]),
            date.fromisoformat(one.get("valid_until", date.max.isoformat())),
            one["source"],
            one.get("illustrative", False),
        )
        for one in data["layers"]
    )
    reporters = {member: frozenset(posts) for member, posts in data["reporters"].items()}
    authority = data["authority"]
    return Duty(authority["system"], frozenset(authority["posts"]), reporters, tuple(layers))


def layer_of(found: datetime) -> Layer | None:
    """Return what the law says of a breach that was *found* then; None where none says anything."""
    said, day = duty(), nation.current().calendar.local(found).date()
    return in_force(said.layers, day) if said else None


def due_of(found: datetime, layer: Layer) -> datetime:
    """Return the last moment for the notice of a breach that was *found* then: plain hours, whatever the calendar."""
    return nation.current().calendar.due(found, layer.limit)


def may_report(actor: Actor) -> bool:
    """Return whether the actor's post gives notice of the breaches of its agency."""
    said, agency = duty(), nation.current().agencies.get(actor.agency)
    return bool(said and agency and _post(actor) in said.reporters.get(agency.member, ()))


def is_authority(actor: Actor) -> bool:
    """Return whether the actor's post takes the notices of all agencies."""
    said = duty()
    return bool(said and system_of(actor.agency) == said.authority and _post(actor) in said.authority_posts)


def system_of(agency: str) -> str:
    """Return the system on which the officers of *agency* work; nothing for none."""
    found = nation.current().agencies.get(agency)
    return found.subsystem if found else ""


def portal() -> str:
    """Return the system of the nation's portal, which the rights let ask for a person's own reads; or nothing."""
    grants = (grant for purpose in rights.purposes().values() for grant in purpose.grants)
    return next((grant.reader for grant in grants if grant.service == OWN_READS), "")


def reader_of(system: str, user: str, case: str = "") -> Reader:
    """Return *user* of *system* as who gives notice of a breach; raise `UnknownPurpose` where no right says why."""
    purpose = rights.purposes().get(PURPOSE)
    if purpose is None:
        raise UnknownPurpose(purpose=PURPOSE)
    return Reader(system, user, PURPOSE, next(iter(purpose.basis)), case)


def may_use(reader: Reader) -> bool:
    """Return whether the right to give notice is *reader*'s system's today."""
    today = nation.current().today()
    return rules.may_call(rights.purposes(), reader, service=SERVICE, provider="", day=today)


def _post(actor: Actor) -> str:
    return actor.post.rpartition(".")[2]
