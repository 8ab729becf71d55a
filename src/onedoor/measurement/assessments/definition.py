"""What the nation's file says of assessments: by which list, and which posts of its portal's member have which duty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.errors import NotAllowed
from onedoor.kernel.nation import Unit
from onedoor.measurement import features
from onedoor.measurement.features import Feature, FeatureList


@dataclass(frozen=True, slots=True)
class Duties:
    """By which list units are assessed, and the posts of *member* that assess and that reconcile."""

    list: str
    member: str
    assessors: frozenset[str]
    reconcilers: frozenset[str]
    illustrative: bool


def duties() -> Duties | None:
    """Return what the nation's file says; None when it has none: then nothing is assessed here."""
    return nation.current().once(_read)


def _read(country: nation.Nation) -> Duties | None:
    found = country.documents("assessment")
    if not found:
        return None
    data = found[0].data
    assess, reconcile = frozenset(data["assessors"]), frozenset(data["reconcilers"])
    return Duties(data["list"], data["member"], assess, reconcile, "illustrative" in data)


def assesses(actor: Actor) -> bool:
    """Return whether the actor's post assesses units."""
    said = duties()
    return said is not None and _holds(actor, said, said.assessors)


def reconciles(actor: Actor) -> bool:
    """Return whether the actor's post opens assessments and decides where assessors differ."""
    said = duties()
    return said is not None and _holds(actor, said, said.reconcilers)


def admit(*, allowed: bool) -> None:
    """Raise `NotAllowed` where it is no duty of the actor's post."""
    if not allowed:
        raise NotAllowed


def _holds(actor: Actor, said: Duties, posts: frozenset[str]) -> bool:
    agency = nation.current().agencies.get(actor.agency)
    return bool(agency and agency.member == said.member and actor.post.rpartition(".")[2] in posts)


def listed(name: str) -> FeatureList:
    """Return the list of indicators called *name*."""
    return features.load(features.WORLD, name)


def named(name: str) -> Mapping[str, Feature]:
    """Return the indicators of a list by code."""
    return {one.code: one for one in listed(name).all}


def units() -> Sequence[Unit]:
    """Return the units of the highest level today: those one chooses from; others are named by their code."""
    country = nation.current()
    return country.units.of_level(country.units.top, country.today())
