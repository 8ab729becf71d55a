"""A result on its arrival at the portal: taken in only when its agency sealed it, byte for byte."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

from onedoor.cases import journal, seals, words
from onedoor.cases.errors import NotSealed
from onedoor.cases.events import ResultNotAccepted
from onedoor.cases.journey import moving
from onedoor.cases.models import Step
from onedoor.kernel.actor import Actor
from onedoor.signing.verdict import Reason

OTHER_AGENCY = "OTHER_AGENCY"


def check(step: Step, result: Mapping[str, Any], by: Actor) -> None:
    """Return when the agency of *step* validly sealed *result*; raise `NotSealed`, kept once for its people to see."""
    why = _wrong(step.agency, result)
    if not why:
        return
    refused = NotSealed(what=result["kind"])
    with moving(step.dossier.code, by) as journey:
        row = journey.steps[step.ref]
        trouble = words.keep(refused)
        if row.trouble != trouble:
            row.trouble = trouble
            row.save()
            event = ResultNotAccepted(**journey.facts, step=row.ref, agency=row.agency, why=why)
            journal.transition(journey.dossier, "not_accepted", event, step=row.ref, agency=row.agency)
    raise refused


def _wrong(agency: str, result: Mapping[str, Any]) -> str:
    """Return why *result* is not what *agency* sealed, or nothing."""
    try:
        file = base64.b64decode(result["file"], validate=True)
    except binascii.Error:
        return Reason.UNREADABLE.name
    if hashlib.sha256(file).hexdigest() != result["sha256"]:
        return Reason.CHANGED.name
    verdict = seals.check(file)
    if not verdict.valid:
        return Reason(verdict.reasons[0]).name
    return "" if verdict.agency == agency else OTHER_AGENCY
