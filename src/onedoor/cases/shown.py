"""What of a dossier its people are shown at the portal: its parts, whose they are, and the record of who looked."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from onedoor.cases import held
from onedoor.cases.context import asked_about
from onedoor.cases.held import ABOUT, DECIDED, RESULTS
from onedoor.cases.journey import service_of
from onedoor.cases.models import Dossier
from onedoor.cases.opened import Opened
from onedoor.cases.reasons import reason
from onedoor.cases.views import Answers, AnswerView
from onedoor.identity import service as identity
from onedoor.kernel.actor import Actor
from onedoor.kernel.settings import current as settings
from onedoor.privacy import service as privacy
from onedoor.privacy.service import Reader
from onedoor.procedures import service as procedures
from onedoor.procedures.service import Service

SERVICE = "reads"
"""The right that names this service lets the people of a dossier follow it."""
DECLARED = "declared"
"""All that was declared; in the record stands each answer and fact by its id."""
ALL = frozenset({ABOUT, DECLARED, RESULTS, DECIDED})
Body = Mapping[str, Any]
OPENED: "Opened[Content]" = Opened()


class Content:
    """What is in the envelope of a dossier, and what follows from that alone; nobody may change it."""

    def __init__(self, dossier: Dossier) -> None:
        self.service = service_of(dossier)
        self.body: Body = dossier.read()

    @cached_property
    def others(self) -> Mapping[str, list[str]]:
        """Whom else than the applicant the parts are about (personal numbers), each with those that are theirs."""
        return held.owners(self.service, self.body, _places(self.service, self.body))

    @cached_property
    def answers(self) -> Answers:
        """What was declared."""
        return Answers(AnswerView(**line) for line in self.body["declared"])


def opened(dossier: Dossier) -> Content:
    """Return what is in the envelope of *dossier*; raise `KeyDestroyed`."""
    return OPENED.of(bytes(dossier.body), lambda: Content(dossier))


@contextmanager
def recording(dossier: Dossier, known: Content, parts: Iterable[str], actor: Actor) -> Iterator[None]:
    """Put on record meanwhile that *actor* is shown *parts* of a dossier; what is about themself alone is no read.

    Nothing may leave before the end of the block, which raises when the record cannot be kept. It cannot stand in an
    open transaction; raise `NotPermitted`, recorded.
    """
    applicant = known.body["applicant"]["number"]
    about = {applicant: None, **known.others}
    about.pop(applicant if dossier.account == actor.person else identity.person_number(actor.person), None)
    theirs = [part for part in parts if any(own is None or part in own for own in about.values())]
    if not theirs:
        yield
        return
    why = reason(SERVICE, dossier.code)
    reader = Reader(_portal(), actor.person, why.purpose, why.basis, dossier.code)
    with privacy.permitting_held(held.use(reader, dossier.service, theirs, about)):
        yield


def parts(service: Service, body: Body, groups: Collection[str], results: Collection[str]) -> list[str]:
    """Return the names of the parts that *groups* (of `ALL`) stand for, as far as they are there."""
    there = {ABOUT: asked_about(service, body) is not None, RESULTS: bool(results), DECIDED: True}
    declared = [line["name"] for line in body["declared"]] if DECLARED in groups else []
    return [*declared, *(part for part, is_there in there.items() if is_there and part in groups)]


def _places(service: Service, body: Body) -> dict[str, set[tuple[str, str]]]:
    """Return the parts, each with the records and fields that it stands in."""
    found = {line["name"]: procedures.behind(service, line["name"]) for line in body["declared"]}
    if asked := asked_about(service, body):
        found[ABOUT] = procedures.behind(service, asked.id)
    found[RESULTS] = {place for kind in service.results for place in procedures.stands_on(service, kind)}
    return found


def _portal() -> str:
    """Return the system that shows it; a process without one of its own (tests) is the first that the right names."""
    right = privacy.service_right(SERVICE)
    return settings().subsystem or (right.callers[0] if right else "")
