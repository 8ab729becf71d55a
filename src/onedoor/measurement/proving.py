"""What a case proves of its service: the conditions it showed, why a run did not pass, whether somebody had to come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from onedoor.cases.service import Course, Evidence
from onedoor.kernel.text import gettext_noop
from onedoor.procedures.service import Fee, Scale, Service, Step

Fault: TypeAlias = tuple[str, str]
"""A word of `FAULTS` and the part of the case it is about."""
SETTLED = frozenset({"done", "partly", "refused"})
"""States in which agencies decided; who withdrew, or never answered, may have gone to the office instead."""
TOLD = frozenset({"information", "return"})
"""Conditions that are about what the portal tells: a case begins from that page, of the definition it keeps."""
FAULTS = {
    "state": gettext_noop("The case did not end with all its results, but as “{part}”."),
    "applicant": gettext_noop("The case was not submitted on the site by the person the run was announced for."),
    "ledger": gettext_noop("“{part}” does not stand in the portal’s ledger as the case tells it."),
    "result": gettext_noop("The result of the step “{part}” is not there with a valid seal of its agency."),
    "changed": gettext_noop("The definition of the service was changed while the run went on."),
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a run came to: passed without any fault, and what its case showed and delivered."""

    shown: tuple[str, ...]
    results: tuple[str, ...]
    faults: tuple[Fault, ...]

    @property
    def passed(self) -> bool:
        """Return whether nothing was wrong."""
        return not self.faults


def judge(service: Service, course: Course, evidence: Evidence, in_force: str) -> Judgement:
    """Return what the case of a run proves of *service*, the definition it began with; *in_force* is a digest."""
    faults = tuple(_faults(service, course, evidence, in_force))
    if faults:
        return Judgement((), (), faults)
    return Judgement(tuple(sorted(_shown(service, course, evidence))), tuple(sorted(evidence.sealed)), ())


def _faults(service: Service, course: Course, evidence: Evidence, in_force: str) -> Iterator[Fault]:
    if course.state != "done":
        yield "state", course.state
    if [one.by for one in evidence.passages if one.kind == "submit"] != [course.account]:
        yield "applicant", ""
    yield from (("ledger", f"{one.step} {one.kind}".strip()) for one in evidence.passages if not one.recorded)
    told = {one.step for one in evidence.passages if one.kind == "done"}
    yield from (("ledger", f"{step.id} done") for step in _done(service, course) if step.id not in told)
    for step in _done(service, course):
        if step.issues and not (course.results.get(step.id) == step.issues and step.issues in evidence.sealed):
            yield "result", step.id
    if course.digest != in_force:
        yield "changed", ""


def _shown(service: Service, course: Course, evidence: Evidence) -> Iterator[str]:
    yield from TOLD
    yield "submission"
    if evidence.answers:
        yield from ("form", "interactive")
    if evidence.reused:
        yield "reuse"
    yield from {"handling", "originals"} - {what for what, _part in visits(service, course)}
    if not _fees(service):
        yield "payment"
    if evidence.sealed:
        yield "delivery"


def visits(service: Service, course: Course) -> Iterator[Fault]:
    """Yield why somebody had to come in a case: at a step that was taken, for a fee, with a paper."""
    yield from (("handling", step.id) for step in _taken(service, course) if step.visit)
    yield from (("payment", fee.id) for fee in _fees(service) if fee.paid != "online")
    if "post" not in service.filing:
        yield from (("originals", paper.id) for paper in service.papers)


def away(service: Service, course: Course) -> bool:
    """Return whether a case was decided and nobody had to come: what its done steps issue is in the dossier."""
    held = all(course.results.get(step.id) == step.issues for step in _done(service, course) if step.issues)
    return course.state in SETTLED and held and not any(visits(service, course))


def proved(scale: Scale, level: int, shown: Sequence[str]) -> int:
    """Return up to which level of *scale*, at most *level*, every condition was shown."""
    for number, one in enumerate(scale.levels[:level]):
        if not set(one.needs) <= set(shown):
            return number
    return level


def unshown(scale: Scale, level: int, shown: Sequence[str]) -> tuple[str, ...]:
    """Return the conditions of *scale* up to *level* that were not shown, each once, in the order of the scale."""
    needs = dict.fromkeys(need for one in scale.levels[:level] for need in one.needs)
    return tuple(need for need in needs if need not in shown)


def _fees(service: Service) -> list[Fee]:
    """Return the fees that can be due: one that is paid online proves nothing until payments are on record."""
    return [fee for fee in service.fees if not fee.closed_by and fee.amount != 0]


def _done(service: Service, course: Course) -> list[Step]:
    return [step for step in service.steps.values() if course.steps.get(step.id) == "done"]


def _taken(service: Service, course: Course) -> list[Step]:
    """Return the steps at which an agency decided."""
    return [step for step in service.steps.values() if course.steps.get(step.id) in ("done", "refused")]
