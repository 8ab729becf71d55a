"""How many notices of breaches each agency gave, month by month, and how many late: public, and of nobody."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from onedoor.exchange import service as exchange
from onedoor.exchange.service import Call, Reason
from onedoor.kernel import nation
from onedoor.kernel.settings import current
from onedoor.kernel.text import Text
from onedoor.privacy import rights
from onedoor.privacy.breaches import definition, rules
from onedoor.privacy.breaches.models import Breach

WAIT: Final = 5.0
MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Count:
    """How many notices an agency gave in a month (``2026-12``), and how many of them late."""

    agency: str
    month: str
    notices: int
    late: int


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of all systems, the newest month first, with the agencies' names, and who did not answer."""

    counts: tuple[tuple[Text, Count], ...]
    silent: tuple[Text, ...]


def here() -> list[Count]:
    """Return the counts of this system's agencies, the newest month first."""
    found: Counter[tuple[str, str]] = Counter()
    late: Counter[tuple[str, str]] = Counter()
    for agency, due, reported in Breach.objects.exclude(reported=None).values_list("agency", "due", "reported"):
        if reported and due:
            month = f"{nation.current().calendar.local(reported):%Y-%m}"
            found[month, agency] += 1
            late[month, agency] += rules.is_late(reported, due)
    return [
        Count(agency, month, number, late[month, agency])
        for (month, agency), number in sorted(found.items(), reverse=True)
    ]


def everywhere() -> Counts:
    """Return the counts of all systems, asked once a minute however many people look."""
    return _everywhere(int(time.time() // MINUTE))


@lru_cache(maxsize=1)
def _everywhere(_minute: int) -> Counts:
    purpose = rights.purposes().get(definition.PURPOSE)
    if purpose is None or definition.duty() is None:
        return Counts((), ())
    asked = (one for one in purpose.grants if one.service == definition.SERVICE and one.reader == definition.portal())
    others = list(dict.fromkeys(one.provider for one in asked if one.provider != current().subsystem))
    why = Reason(purpose.id, next(iter(purpose.basis)))
    calls = [Call(f"{one}/{definition.SERVICE}", "counts", {}, reason=why, user="public") for one in others]
    found: list[Count] = []

    def take(system: str, told: Any) -> None:  # noqa: ANN401 - what another system answered
        counts = list(map(_told, told["counts"]))
        found.extend([one for one in counts if definition.system_of(one.agency) == system])

    silent = exchange.take_each(others, calls, take, timeout=WAIT)
    agencies = nation.current().agencies
    newest = sorted(found, key=lambda one: (one.month, one.agency), reverse=True)
    named = ((agencies[one.agency].name, one) for one in newest)
    return Counts(tuple(named), tuple(map(nation.current().holder_of, silent)))


def _told(one: Mapping[str, Any]) -> Count:
    """Return what another system says of an agency and a month."""
    return Count(str(one["agency"]), str(one["month"]), int(one["notices"]), int(one["late"]))
