"""Public verification of results: kind, agency, date, state and digest; no personal data. What is false is recorded."""

import threading
from collections import deque
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from onedoor.cases import journal, seals
from onedoor.cases.errors import NoSuchResult
from onedoor.cases.models import IssuedResult
from onedoor.cases.views import ComparedView, IssuedView
from onedoor.kernel import clock, nation
from onedoor.kernel.actor import NOBODY, Actor
from onedoor.signing.verdict import Reason, Verdict
from onedoor.store import keys

MOST_A_MINUTE = 60
"""False ids and files that a process records within a minute: anybody may come here, nobody may fill the ledger."""
VISITOR = "cases.visitor"
UNSEEN = frozenset(
    (Reason.ADDED_AFTER_SIGNING, Reason.DAMAGED, Reason.STAMP_BROKEN, Reason.TOO_LARGE, Reason.UNTRUSTED)
)
"""Reasons that tell of bytes which nobody issued, or for which nobody looked at them, behind what was issued."""


def issued(result_id: str, by: str = "") -> IssuedView:
    """Return what anybody may know of a result; raise `NoSuchResult` (recorded) for an unknown or forged id."""
    row = _find(result_id)
    if row is None:
        _record("unknown-result", result_id, by)
        raise NoSuchResult
    return view_of(row)


def compare(content: bytes, result_id: str = "", by: str = "") -> ComparedView:
    """Compare a file with what was issued here (with the result *result_id*, when given) and check its signature.

    ``same``: byte for byte what was issued, whatever time-stamps it got since; ``differs``: it claims to be that result
    but is not; ``not-ours``: no result issued here is this file. Anything but the same is recorded.
    """
    digest = seals.digest(content)
    expected = _find(result_id) if result_id else None
    found = IssuedResult.objects.filter(sha256=digest).first()
    ours = found is not None and (expected is None or expected.pk == found.pk)
    # What this agency sealed itself need not be read by a second reader to know what it is; strangers' files are.
    signature = seals.check(content, twice=not ours)
    if ours and (seals.is_alone(content) or UNSEEN.isdisjoint(signature.reasons)):
        return _compared("same", digest, signature, found)
    verdict = "differs" if expected or ours else "not-ours"
    _record(f"file-{verdict}", result_id or digest, by)
    return _compared(verdict, digest, signature, expected or found)


def view_of(row: IssuedResult) -> IssuedView:
    """Return what anybody may know of *row*."""
    country = nation.current()
    return IssuedView(
        id=str(row.pk),
        kind=row.kind,
        title=row.title,
        agency=row.agency,
        agency_name=country.agencies[row.agency].name,
        issued_on=country.calendar.local(row.issued_at).date(),
        state=row.state,
        sha256=row.sha256,
    )


def _compared(verdict: str, digest: str, signature: Verdict, row: IssuedResult | None) -> ComparedView:
    return ComparedView(
        verdict=verdict,
        sha256=digest,
        signed=signature.valid,
        signer=signature.signer,
        signed_at=signature.signed_at,
        reasons=tuple(str(reason) for reason in signature.reasons),
        issued=view_of(row) if row else None,
        proven_at=signature.proven_at,
        proven_by=signature.proven_by,
        lasts_until=signature.lasts_until,
        revocation=signature.revocation.name.lower(),
        revoked_at=signature.revoked_at,
    )


def _find(result_id: str) -> IssuedResult | None:
    try:
        return IssuedResult.objects.filter(pk=UUID(result_id)).first()
    except ValueError:
        return None


_recorded: deque[datetime] = deque(maxlen=MOST_A_MINUTE)
_lock = threading.Lock()


def _record(kind: str, what: str, by: str) -> None:
    """Record what was false, for a visitor by a mark of their address that only this system can tell again."""
    now = clock.now()
    with _lock:
        if len(_recorded) == MOST_A_MINUTE and abs(now - _recorded[0]) < timedelta(minutes=1):
            return
        _recorded.append(now)
    visitor = Actor(person=f"visitor-{keys.blind(VISITOR, by)[:8].hex()}") if by else NOBODY
    with transaction.atomic():
        journal.attempt(kind, what, visitor)
