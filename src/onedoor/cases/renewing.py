"""Results whose last time-stamp ends soon get another one over it, before nothing proves them any more.

Each system renews the copies that it keeps. The document that the agency sealed stays as it is, byte for byte, and so
does its digest: the file before and the file after are both verified as what was issued.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from onedoor.cases import seals
from onedoor.cases.intake import subject_of
from onedoor.cases.models import IssuedResult, Result
from onedoor.kernel import clock
from onedoor.signing.verdict import Refused
from onedoor.store import details, sealed
from onedoor.store.keys import KeyDestroyed

BEFORE = timedelta(days=90)
"""How long before the end of its last time-stamp's certificate a document is renewed."""
DONE, ERASED, UNSOUND, NO_STAMP, NO_BETTER = "renewed", "erased", "unsound", "no time-stamp", "no better authority"
log = structlog.get_logger("onedoor.renewing")
Kept = type[IssuedResult] | type[Result]


@dataclass
class Renewal:
    """How many documents are due, and what became of them: a count for each outcome."""

    due: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


def renew(*, dry_run: bool = False, progress: Callable[[int, int], None] = lambda _done, _due: None) -> Renewal:
    """Renew every document that is due, one after the other; raise `Unavailable` when an authority is silent.

    What was renewed before that stays so. With *dry_run* only count them. A system without a time-stamp authority
    renews nothing. *progress* is told how many of those due are done.
    """
    renewal = Renewal()
    if seals.stamping() is None:
        return renewal
    due = list(_due())
    renewal.due = len(due)
    for done, (kept, key) in enumerate(() if dry_run else due, 1):
        outcome = _renew(kept, key)
        renewal.outcomes[outcome] += 1
        if outcome == NO_BETTER:  # nor is any other document served with a time-stamp that ends as soon
            break
        progress(done, len(due))
    if renewal.outcomes:
        log.info("documents renewed", due=renewal.due, **{k.replace(" ", "_"): n for k, n in renewal.outcomes.items()})
    return renewal


def _due() -> Iterator[tuple[Kept, UUID]]:
    soon = clock.now() + BEFORE
    for kept in (IssuedResult, Result):
        rows = kept.objects.filter(lasts_until__lt=soon).order_by("lasts_until")
        yield from ((kept, key) for key in rows.values_list("pk", flat=True))


def _renew(kept: Kept, key: UUID) -> str:
    row = kept.objects.get(pk=key)
    try:
        file = row.content()
        renewed = seals.renewed(file)
    except KeyDestroyed:
        return _settle(row, ERASED)
    except Refused as refused:
        log.error("a kept document does not hold", result=str(key), reason=refused.reason.name)
        return UNSOUND
    if renewed is None:
        return _settle(row, NO_STAMP)
    verdict = seals.check(renewed)
    if not verdict.valid or verdict.lasts_until is None:
        log.error("a renewed document does not hold", result=str(key), reasons=[str(one) for one in verdict.reasons])
        return UNSOUND
    if row.lasts_until and verdict.lasts_until <= row.lasts_until:
        return NO_BETTER
    _replace(row, renewed, verdict.lasts_until)
    return DONE


def _settle(row: IssuedResult | Result, outcome: str) -> str:
    """Leave *row* out from now on: nothing about it can be renewed."""
    _update(row, lasts_until=None)
    return outcome


def _replace(row: IssuedResult | Result, file: bytes, until: datetime) -> None:
    """Put *file* in the place of what *row* keeps, in one step, unless somebody else did meanwhile."""
    if isinstance(row, Result):
        subject, more = row.dossier.account, {"size": len(file)}
    else:
        subject, more = subject_of(row.task.read("payload")), {}
    envelope = sealed.seal_bytes(file, subject=subject, place=row.place("file"))
    _update(row, file=envelope, lasts_until=until, **more)


@transaction.atomic
def _update(row: IssuedResult | Result, **values: Any) -> None:  # noqa: ANN401 - of columns
    """Give *row* other *values*, and enter that it has them, unless somebody else renewed it meanwhile."""
    same = type(row).objects.filter(pk=row.pk, lasts_until=row.lasts_until)
    if same.update(**values) and isinstance(row, IssuedResult):
        details.amend("cases.issued", UUID(row.entry), "renewed")
