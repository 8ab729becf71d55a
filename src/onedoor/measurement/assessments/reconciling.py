"""The reconciler's side: to open an assessment, see both sheets once both are submitted, decide, publish once."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction

from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.nation import Unit
from onedoor.kernel.nation.units import UnknownUnit
from onedoor.measurement.assessments import definition
from onedoor.measurement.assessments.assessing import Said, answers
from onedoor.measurement.assessments.errors import (
    AssessmentOpen,
    DecidedSince,
    NoSuchAssessment,
    NotAllDecided,
    NotBothSubmitted,
    NotDifferent,
    NoUnitToAssess,
    OwnAssessment,
)
from onedoor.measurement.events import AssessmentPublished
from onedoor.measurement.models import Assessment, Decision, Sheet
from onedoor.measurement.rules import agreement
from onedoor.measurement.rules.agreement import Agreement
from onedoor.store import details, ledger, outbox

ENTRY = "measurement.assessment"
TWO = 2


@dataclass(frozen=True)
class Pair:
    """What the two assessors say, and what was decided where they differ; by code, in the order of the list."""

    first: Mapping[str, Said]
    second: Mapping[str, Said]
    decided: Mapping[str, Decision]

    @property
    def differences(self) -> Sequence[str]:
        """Return the codes that the two answer differently."""
        return agreement.differences(_plain(self.first), _plain(self.second))

    @property
    def undecided(self) -> Sequence[str]:
        """Return the differences without a decision."""
        return [code for code in self.differences if code not in self.decided]

    @property
    def agreement(self) -> Agreement:
        """Return how far the two agree."""
        return agreement.agreement(_plain(self.first), _plain(self.second))

    @property
    def settled(self) -> dict[str, bool]:
        """Return what holds of each code, once every difference is decided."""
        decided = {code: one.present for code, one in self.decided.items()}
        return agreement.settled(_plain(self.first), _plain(self.second), decided)


def _plain(said: Mapping[str, Said]) -> dict[str, bool]:
    return {code: one.present for code, one in said.items()}


def open_(unit: str, actor: Actor) -> Assessment:
    """Open the assessment of a unit; raise `NoUnitToAssess`, or `AssessmentOpen` while one of it is open."""
    definition.admit(allowed=definition.reconciles(actor))
    said, found = definition.duties(), unit_of(unit)
    if said is None or found is None:
        raise NoUnitToAssess(unit=unit[:60])
    codes = [one.code for one in definition.listed(said.list).all]
    opened = Assessment(list=said.list, codes=codes, unit=found.code, opened_at=clock.now(), opened_by=actor.post)
    try:
        with transaction.atomic():
            opened.save(force_insert=True)
    except IntegrityError as error:
        raise AssessmentOpen(unit=found.full_name or found.name) from error
    return opened


def unit_of(code: str) -> Unit | None:
    """Return the unit of a code today; None where there is none."""
    country = nation.current()
    try:
        return country.units.unit(code, country.today())
    except UnknownUnit:
        return None


def listed(actor: Actor) -> Sequence[tuple[Assessment, int]]:
    """Return the assessments that are not published, each with how many of its two sheets are submitted."""
    definition.admit(allowed=definition.reconciles(actor))
    every = Assessment.objects.filter(published_at=None).defer("codes").prefetch_related("sheets")
    return [(one, sum(sheet.submitted_at is not None for sheet in one.sheets.all())) for one in every]


def opened(assessment: UUID, actor: Actor) -> tuple[Assessment, Pair]:
    """Return an assessment with both sheets; raise `OwnAssessment` to who wrote one, `NotBothSubmitted` before."""
    definition.admit(allowed=definition.reconciles(actor))
    row = Assessment.objects.filter(pk=assessment).first()
    if row is None:
        raise NoSuchAssessment
    return row, _pair(row, actor)


def _pair(row: Assessment, actor: Actor) -> Pair:
    if Sheet.objects.filter(assessment=row, person=actor.person).exists():
        raise OwnAssessment
    found = pair(row)
    if found is None:
        raise NotBothSubmitted
    return found


def pair(row: Assessment) -> Pair | None:
    """Return what the two assessors of *row* say; None as long as they have not both submitted."""
    sheets = list(Sheet.objects.filter(assessment=row, submitted_at__isnull=False).select_related("assessment"))
    if len(sheets) < TWO:
        return None
    decided = {one.code: one for one in Decision.objects.filter(assessment=row)}
    return Pair(answers(sheets[0]), answers(sheets[1]), {code: decided[code] for code in row.codes if code in decided})


def mark(decision: Decision | None) -> str:
    """Return what a form keeps of the decision it was made from, so that an old form overwrites no newer decision."""
    return decision.decided_at.isoformat() if decision else ""


@transaction.atomic
def decide(assessment: UUID, actor: Actor, code: str, *, present: bool, reason: str, seen: str) -> None:
    """Decide on a difference, or anew on the decision whose `mark` is *seen*; *reason* is not empty.

    Raise `NotDifferent` where there is none, `DecidedSince` where another decision stands than was seen. Once the
    assessment is published nothing is decided any more.
    """
    row, found = _locked(assessment, actor)
    if row.published_at is not None:
        return
    if code not in found.differences:
        raise NotDifferent(code=code[:20])
    standing = found.decided.get(code)
    if standing and (standing.present, standing.reason) == (present, reason):
        return  # it stays the decision of who made it
    if mark(standing) != seen:
        raise DecidedSince(code=code)
    by = {"person": actor.person, "post": actor.post, "decided_at": clock.now()}
    own = {"present": present, "reason": reason}
    Decision.objects.update_or_create(assessment=row, code=code, defaults=own | by)


@transaction.atomic
def publish(assessment: UUID, actor: Actor) -> Assessment:
    """Publish an assessment, once however often it is asked; raise `NotAllDecided`."""
    row, found = _locked(assessment, actor)
    if row.published_at is not None:
        return row
    if open_ones := found.undecided:
        raise NotAllDecided(n=len(open_ones), code=open_ones[0])
    row.published_at, row.published_by = clock.now(), actor.post
    row.entry = str(ledger.append(ENTRY, hashlib.sha256(_content(row)).digest()).id)
    row.save()
    outbox.state(AssessmentPublished(by=actor, assessment=str(row.pk), unit=row.unit))
    return row


def _locked(assessment: UUID, actor: Actor) -> tuple[Assessment, Pair]:
    definition.admit(allowed=definition.reconciles(actor))
    row = Assessment.objects.select_for_update().filter(pk=assessment).first()
    if row is None:
        raise NoSuchAssessment
    return row, _pair(row, actor)


def _content(row: Assessment) -> bytes:
    """Return what is entered into the ledger of a published assessment; its sheets are entries of their own."""
    decided = {
        one.code: [one.present, one.reason, one.person, one.post, one.decided_at.isoformat()]
        for one in Decision.objects.filter(assessment=row)
    }
    sheets = [one.entry for one in Sheet.objects.filter(assessment=row)]
    published = {"at": row.published_at.isoformat() if row.published_at else "", "by": row.published_by}
    facts = {"id": str(row.pk), "list": row.list, "codes": row.codes, "unit": row.unit, "sheets": sheets}
    return json.dumps(facts | {"published": published, "decided": decided}, sort_keys=True).encode()


details.register(ENTRY, lambda entry: details.behind(Assessment.objects.exclude(entry=""), entry, _content))
