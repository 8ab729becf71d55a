"""An assessor's side: to take a sheet, answer, change and clear answers, give the sheet back, submit it once.

Nobody reads another's sheet here: every query names the person who acts.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from onedoor.kernel import clock
from onedoor.kernel.actor import Actor
from onedoor.measurement.assessments import definition
from onedoor.measurement.assessments.errors import NoSuchAssessment, NotAllAnswered, Submitted, TwoAssess
from onedoor.measurement.events import SheetSubmitted
from onedoor.measurement.models import Answer, Assessment, Sheet
from onedoor.store import details, ledger, outbox

ENTRY = "measurement.sheet"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: whether the indicator is there, and the address that shows it (not needed where it is not)."""

    present: bool
    link: str = ""


def to_do(actor: Actor) -> Sequence[tuple[Assessment, Sheet | None]]:
    """Return the open assessments that the actor may take or has taken, each with the actor's own sheet."""
    definition.admit(allowed=definition.assesses(actor))
    own = {one.assessment_id: one for one in Sheet.objects.filter(person=actor.person)}
    every = Assessment.objects.filter(published_at=None).defer("codes")
    full = set(Sheet.objects.filter(place=Sheet.SECOND).values_list("assessment_id", flat=True))
    return [(one, own.get(one.pk)) for one in every if one.pk in own or one.pk not in full]


@transaction.atomic
def take(assessment: UUID, actor: Actor) -> Sheet:
    """Give the actor a sheet of an assessment, the same one however often; raise `TwoAssess` when two others have."""
    definition.admit(allowed=definition.assesses(actor))
    row = Assessment.objects.select_for_update().filter(pk=assessment, published_at=None).first()
    if row is None:
        raise NoSuchAssessment
    if own := Sheet.objects.filter(assessment=row, person=actor.person).first():
        return own
    taken = set(Sheet.objects.filter(assessment=row).values_list("place", flat=True))
    free = {Sheet.FIRST, Sheet.SECOND} - taken
    if not free:
        raise TwoAssess
    return Sheet.objects.create(assessment=row, place=min(free), person=actor.person, post=actor.post)


def sheet(assessment: UUID, actor: Actor, *, lock: bool = False) -> Sheet:
    """Return the actor's own sheet of an assessment; raise `NoSuchAssessment` where they have none."""
    definition.admit(allowed=definition.assesses(actor))
    rows = Sheet.objects.select_related("assessment").filter(assessment=assessment, person=actor.person)
    found = (rows.select_for_update(of=("self",)) if lock else rows).first()
    if found is None:
        raise NoSuchAssessment
    return found


def answers(own: Sheet) -> dict[str, Said]:
    """Return what stands on a sheet, by code, in the order of the codes of its assessment."""
    found = {one.code: Said(one.present, one.link) for one in Answer.objects.filter(sheet=own)}
    return {code: found[code] for code in own.assessment.codes if code in found}


@transaction.atomic
def save(assessment: UUID, actor: Actor, said: Mapping[str, Said | None]) -> None:
    """Write answers on the actor's sheet, None clears one; codes that are not of the assessment are left out.

    Raise `Submitted` once it is submitted.
    """
    own = sheet(assessment, actor, lock=True)
    if own.submitted_at is not None:
        raise Submitted
    known = {code: one for code, one in said.items() if code in own.assessment.codes}
    Answer.objects.filter(sheet=own, code__in=known).delete()
    rows = [Answer(sheet=own, code=code, present=one.present, link=one.link) for code, one in known.items() if one]
    Answer.objects.bulk_create(rows)


@transaction.atomic
def give_back(assessment: UUID, actor: Actor) -> None:
    """Throw the actor's sheet away, so that another may assess; raise `Submitted` once it is submitted."""
    own = sheet(assessment, actor, lock=True)
    if own.submitted_at is not None:
        raise Submitted
    own.delete()


@transaction.atomic
def submit(assessment: UUID, actor: Actor) -> Sheet:
    """Submit the actor's sheet, once however often it is asked; raise `NotAllAnswered`."""
    own = sheet(assessment, actor, lock=True)
    if own.submitted_at is not None:
        return own
    said = answers(own)
    if missing := [code for code in own.assessment.codes if code not in said]:
        raise NotAllAnswered(n=len(missing), code=missing[0])
    own.submitted_at = clock.now()
    own.entry = str(ledger.append(ENTRY, hashlib.sha256(_content(own)).digest()).id)
    own.save()
    outbox.state(SheetSubmitted(by=actor, assessment=str(own.assessment_id), unit=own.assessment.unit))
    return own


def _content(own: Sheet) -> bytes:
    """Return what is entered into the ledger of a sheet."""
    said = {code: [one.present, one.link] for code, one in answers(own).items()}
    facts = {"assessment": str(own.assessment_id), "unit": own.assessment.unit, "place": own.place}
    by = {"person": own.person, "post": own.post}
    moment = own.submitted_at.isoformat() if own.submitted_at else ""
    return json.dumps(facts | by | {"submitted": moment, "answers": said}, sort_keys=True).encode()


details.register(
    ENTRY, lambda entry: details.behind(Sheet.objects.select_related("assessment").exclude(entry=""), entry, _content)
)
