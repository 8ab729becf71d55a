"""A result on its arrival at the portal: taken in only when its agency sealed it for this case, byte for byte."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from onedoor.cases import journal, seals, words
from onedoor.cases.errors import NotSealed
from onedoor.cases.events import ResultNotAccepted
from onedoor.cases.journey import moving
from onedoor.cases.models import Step
from onedoor.kernel.actor import Actor
from onedoor.signing import pdf
from onedoor.signing.verdict import Reason

OTHER_AGENCY = "OTHER_AGENCY"
OTHER_DOCUMENT = "OTHER_DOCUMENT"
"""The agency sealed it, but for another case, or it says something else than what came along with it."""


def check(step: Step, result: Mapping[str, Any], by: Actor) -> None:
    """Return when the agency of *step* validly sealed *result*; raise `NotSealed`, kept once for its people to see."""
    why = _wrong(step, result)
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


def _wrong(step: Step, result: Mapping[str, Any]) -> str:
    """Return why *result* is not what the agency of *step* sealed for it, or nothing."""
    try:
        file = base64.b64decode(result["file"], validate=True)
    except binascii.Error:
        return Reason.UNREADABLE.name
    if seals.digest(file) != result["sha256"]:
        return Reason.CHANGED.name
    verdict = seals.check(file, twice=False)
    if not verdict.valid:
        return Reason(verdict.reasons[0]).name
    if verdict.agency != step.agency:
        return OTHER_AGENCY
    return "" if _says_so(step, result, file) else OTHER_DOCUMENT


def _says_so(step: Step, result: Mapping[str, Any], file: bytes) -> bool:
    """Return whether what is inside the sealed *file* is what *result* says, of the case and agency of *step*."""
    own = {name: result[name] for name in ("id", "kind", "number", "verify_url")} | {"case": step.dossier.code}
    try:
        sealed = pdf.data_of(file)
        moments = [datetime.fromisoformat(one["issued_at"]) for one in (sealed, result)]
        agency = sealed["agency"]["id"]
    except (ValueError, LookupError, TypeError):
        return False
    told = sealed == result["data"] and all(sealed.get(name) == value for name, value in own.items())
    return told and moments[0] == moments[1] and agency == step.agency
