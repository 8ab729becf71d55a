"""How far a service goes online, computed from its definition: each scale of the law with the reasons for its level."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from onedoor.kernel.text import Text, gettext_noop
from onedoor.procedures.definition import Fee, Law, Service

AWAY = ("online", "post")
"""Ways for which nobody goes to an office."""
Hindrance: TypeAlias = Iterator[tuple[str, Text]]
"""What stands in the way of a condition: the id of the part, and its words where it has some of its own."""


@dataclass(frozen=True)
class Level:
    """A level of a scale and the conditions that it needs beyond the level below."""

    name: Text
    needs: tuple[str, ...]


@dataclass(frozen=True)
class Scale:
    """A scale of the law, from its lowest level up; ``illustrative`` names what of it was read in no source."""

    id: str
    name: Text
    law: Law
    levels: tuple[Level, ...]
    valid_from: date
    valid_until: date
    below: Text
    illustrative: frozenset[str]

    def in_force(self, on: date) -> bool:
        """Return whether services are measured by it on a day."""
        return self.valid_from <= on <= self.valid_until


@dataclass(frozen=True)
class Reason:
    """Why a service is not higher: the condition that fails, at which part of the definition, in its words."""

    condition: str
    part: str = ""
    words: Text | None = None


@dataclass(frozen=True)
class Standing:
    """Where a service stands on a scale: ``level`` counts from 1, 0 is below the lowest; why it is not on the next."""

    scale: Scale
    level: int
    reasons: tuple[Reason, ...]

    @property
    def name(self) -> Text:
        """Return the name of the level."""
        return self.scale.levels[self.level - 1].name if self.level else self.scale.below

    @property
    def highest(self) -> bool:
        """Return whether there is no higher level."""
        return self.level == len(self.scale.levels)


def standing(scale: Scale, service: Service) -> Standing:
    """Return where *service* stands on *scale*: each level needs all those below it."""
    for number, level in enumerate(scale.levels):
        if reasons := tuple(_failing(level, service)):
            return Standing(scale, number, reasons)
    return Standing(scale, len(scale.levels), ())


def _failing(level: Level, service: Service) -> Iterator[Reason]:
    for condition in level.needs:
        yield from (Reason(condition, part, words or None) for part, words in CONDITIONS[condition](service))


def is_complete(service: Service) -> bool:
    """Return whether *service* says everything that a person must know."""
    return not any(_information(service))


def fees_due(service: Service) -> tuple[Fee, ...]:
    """Return the fees that can be due in a case filed online."""
    return tuple(fee for fee in service.fees if not fee.closed_by and fee.amount != 0)


def needs_visit(service: Service, step: str) -> bool:
    """Return whether a step of *service* cannot be gone through without going somewhere or handing over paper."""
    return bool(service.steps[step].visit or service.papers) or not set(service.delivery) & set(AWAY)


def _information(service: Service) -> Hindrance:
    """Find what a person must know and is not told."""
    said: Mapping[str, object] = {
        "steps": service.steps,
        "ways": service.filing and service.delivery,
        "dossier": service.pages or service.papers or service.forms,
        "time": service.clock.total,
        "who": service.who,
        "agency": all(step.by for step in service.steps.values()),
        "result": service.results,
        "fees": service.fees,
        "forms": service.pages or service.forms,
        "conditions": service.eligible,
        "law": service.law,
    }
    yield from ((part, {}) for part, there in said.items() if not there)


def _form(service: Service) -> Hindrance:
    """Find a form that can neither be downloaded nor filled in on the site."""
    yield from ((form.id, form.title) for form in service.forms if not form.file)
    if not (service.forms or service.pages):
        yield "", {}


def _interactive(service: Service) -> Hindrance:
    """Find that nothing is filled in on the site."""
    if not service.pages:
        yield "", {}


def _submission(service: Service) -> Hindrance:
    """Find that it is not filed online."""
    if "online" not in service.filing:
        yield "", {}


def _handling(service: Service) -> Hindrance:
    """Find steps for which somebody must come."""
    yield from ((step.id, step.visit.text) for step in service.steps.values() if step.visit)


def _payment(service: Service) -> Hindrance:
    """Find fees that can be due in a case filed online and are not paid online."""
    yield from ((fee.id, fee.text) for fee in fees_due(service) if fee.paid != "online")


def _return(service: Service) -> Hindrance:
    """Find that no way is said in which results come."""
    if not service.delivery:
        yield "", {}


def _delivery(service: Service) -> Hindrance:
    """Find that results are had by a visit alone."""
    if not set(service.delivery) & set(AWAY):
        yield "", {}


def _originals(service: Service) -> Hindrance:
    """Find originals that are handed over on paper."""
    yield from ((paper.id, paper.title) for paper in service.papers)


def _reuse(service: Service) -> Hindrance:
    """Find that nothing is looked up of what the State holds already."""
    if not service.data:
        yield "", {}


def _proactive(kind: str) -> Callable[[Service], Hindrance]:
    def done(service: Service) -> Hindrance:
        if kind not in {one.id for one in service.proactive}:
            yield "", {}

    return done


CONDITIONS: Mapping[str, Callable[[Service], Hindrance]] = {
    "information": _information,
    "form": _form,
    "interactive": _interactive,
    "submission": _submission,
    "handling": _handling,
    "payment": _payment,
    "return": _return,
    "delivery": _delivery,
    "originals": _originals,
    "reuse": _reuse,
    **{kind: _proactive(kind) for kind in ("remind", "prepare", "recommend", "automatic")},
}
"""What a level can need, by the word that a scale's file uses."""


SENTENCES: Mapping[str, str] = {
    "information": gettext_noop("It does not say {what}."),
    "form": gettext_noop("A form can neither be downloaded nor filled in on the site: {what}."),
    "interactive": gettext_noop("Nothing can be filled in on the site."),
    "submission": gettext_noop("It cannot be filed online."),
    "handling": gettext_noop("A visit is needed: {what}."),
    "payment": gettext_noop("A fee cannot be paid online: {what}."),
    "return": gettext_noop("It does not say how results come."),
    "delivery": gettext_noop("Results are handed out at the office alone."),
    "originals": gettext_noop("An original is handed over on paper: {what}."),
    "reuse": gettext_noop("Nothing is looked up of what the State holds already."),
    "remind": gettext_noop("Nobody is reminded when the event happens."),
    "prepare": gettext_noop("Nothing is filled in before the person comes."),
    "recommend": gettext_noop("No ways to the same goal are compared."),
    "automatic": gettext_noop("Nothing is settled without filing."),
}
"""Why a condition fails, by its word."""
INFORMATION: Mapping[str, str] = {
    "steps": gettext_noop("what its steps are"),
    "ways": gettext_noop("how it is filed and how results come"),
    "dossier": gettext_noop("what belongs to the dossier"),
    "time": gettext_noop("how long it takes"),
    "who": gettext_noop("for whom it is"),
    "agency": gettext_noop("which agency does it"),
    "result": gettext_noop("what comes of it"),
    "fees": gettext_noop("what it costs"),
    "forms": gettext_noop("which forms there are"),
    "conditions": gettext_noop("what its conditions are"),
    "law": gettext_noop("on what law it stands"),
}
"""What a person must be told, by the part of `Reason` that names it."""


def read(data: Mapping[str, Any]) -> Scale:
    """Return the scale that a checked file describes."""
    law = data["law"]
    return Scale(
        id=data["scale"],
        name=data["name"],
        law=Law(id=data["scale"], **{"article": "", **law}),
        levels=tuple(Level(one["name"], tuple(one["needs"])) for one in data["levels"]),
        valid_from=date.fromisoformat(data["valid_from"]),
        valid_until=date.fromisoformat(data.get("valid_until", date.max.isoformat())),
        below=data["below"],
        illustrative=frozenset(data.get("illustrative", ())),
    )
