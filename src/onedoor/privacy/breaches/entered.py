"""How acts on breaches are written out again, and whether breaches and notices stand as their acts left them.

What an act says is opened in memory, held against the rows that tell how far a breach is, and goes nowhere.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import CharField, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Cast

from onedoor.privacy.breaches import acts, touched
from onedoor.privacy.breaches.models import LEDGER_KIND, Breach, BreachAct, BreachTelling, ReceivedBreach
from onedoor.store import details
from onedoor.store.sealed import BadEnvelope, KeyDestroyed

AT_AUTHORITY = {BreachAct.RECEIVED, BreachAct.ANSWERED}
Said = tuple[BreachAct, dict[str, Any]]
"""An act, with what is sealed in it."""


def _entered(entry: str) -> Iterator[tuple[str, bytes]]:
    """Yield what was entered of every act; nothing where what it is about is not as the acts left it."""
    if not entry:
        yield from ((details.NO_ENTRY, b"") for _ in range(_without_acts()))
    found = BreachAct.objects.filter(entry=entry) if entry else BreachAct.objects.all()
    last = _acts(OuterRef("system"), OuterRef("code")).order_by("-id").values("id")[:1]
    for one in found.annotate(last=Subquery(last)).order_by("entry").iterator(chunk_size=details.AT_ONCE):
        yield str(one.entry), acts.content(one) if one.id != one.last or _holds(one.system, one.code) else b""


def _without_acts() -> int:
    """Return how many breaches, notices and decisions to tell there are for which no act stands."""
    breaches = Breach.objects.filter(~Exists(BreachAct.objects.filter(code=OuterRef("code"))), found__isnull=False)
    received = ReceivedBreach.objects.filter(~Exists(_acts(OuterRef("system"), OuterRef("code"))))
    decided = BreachAct.objects.filter(kind=BreachAct.TOLD, key=Cast(OuterRef("id"), CharField()))
    return breaches.count() + received.count() + BreachTelling.objects.filter(~Exists(decided)).count()


def _acts(system: Any, code: Any) -> "QuerySet[BreachAct]":  # noqa: ANN401 - a value, or a column of another query
    return BreachAct.objects.filter(system=system, code=code)


def _holds(system: str, code: str) -> bool:
    """Return whether what the acts on a breach are about is today as they left it."""
    try:
        said = [(one, acts.said(one)) for one in _acts(system, code).order_by("id")]
        here = [one for one in said if one[0].kind in AT_AUTHORITY]
        own = [one for one in said if one[0].kind not in AT_AUTHORITY]
        return (not own or _is_breach(code, own)) and (not here or _is_received(system, code, here))
    except (BadEnvelope, KeyDestroyed):
        return False


def _is_breach(code: str, said: Sequence[Said]) -> bool:
    breach = Breach.objects.filter(code=code).first()
    if breach is None:
        return False
    opened = _first(said, BreachAct.OPENED)
    if opened and not _is_opened(breach, *opened):
        return False
    # The clock of a breach is never set later.
    found = min((one for one in said if one[0].kind == BreachAct.FOUND), key=_found, default=None)
    stands = (_found(found), datetime.fromisoformat(found[1]["due"])) if found else (None, None)
    reported = _first(said, BreachAct.REPORTED)
    return (
        (breach.found, breach.due) == stands
        and breach.reported == (reported[0].moment if reported else None)
        and _is_when(breach.overdue, _first(said, BreachAct.OVERDUE), "overdue")
        and _is_when(breach.acknowledged, _first(said, BreachAct.ACKNOWLEDGED), "acknowledged")
        and all(_is_told(*one) for one in said if one[0].kind == BreachAct.TOLD)
    )


def _is_opened(breach: Breach, act: BreachAct, said: dict[str, Any]) -> bool:
    stands = (breach.agency, breach.key, breach.by, breach.opened)
    return stands == (said["agency"], act.key, act.by, act.moment)


def _is_when(moment: datetime | None, act: Said | None, name: str) -> bool:
    """Return whether *moment* is what an act names, as far as it does: at first it told only that there is one."""
    if act is None or name not in act[1]:
        return (moment is None) == (act is None)
    return moment == datetime.fromisoformat(act[1][name])


def _is_told(act: BreachAct, said: dict[str, Any]) -> bool:
    telling = BreachTelling.objects.filter(id=act.key).first()
    if telling is None or (telling.breach_id, telling.moment, telling.by) != (act.code, act.moment, act.by):
        return False
    return touched.said(telling).items() <= said.items()


def _is_received(system: str, code: str, said: Sequence[Said]) -> bool:
    row = ReceivedBreach.objects.filter(system=system, code=code).first()
    if row is None:
        return False
    answered = _first(said, BreachAct.ANSWERED)
    return (row.acknowledged, row.acknowledged_by) == (
        (answered[0].moment, answered[0].by) if answered else (None, "")
    ) and all(facts["notice"] == acts.notice(row) for _, facts in said if "notice" in facts)


def _first(said: Sequence[Said], kind: str) -> Said | None:
    return next((one for one in said if one[0].kind == kind), None)


def _found(said: Said) -> datetime:
    return datetime.fromisoformat(said[1]["found"])


details.register(LEDGER_KIND, _entered)
