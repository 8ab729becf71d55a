"""Sealed reads: shown to their persons on their day, later only by a second officer's decision, counted in public."""

import json
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Annotated, Final
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Greatest
from django.utils import timezone
from msgspec import Meta

from onedoor.kernel import clock, nation
from onedoor.kernel.ids import uuid7
from onedoor.privacy import records, rights, rules
from onedoor.privacy.errors import NotPermitted
from onedoor.privacy.models import Postponement, ReadRecord
from onedoor.privacy.rules import Reader
from onedoor.privacy.views import agency_of
from onedoor.store import details, ledger, rows

SERVICE: Final = "sealed-reads"
LEDGER_KIND: Final = "privacy.postponement"
MOST: Final = 200
"""Sealed reads that are answered to who may postpone them."""
COUNTED = """
SELECT client, split_part("user", '.', 1), to_char(moment AT TIME ZONE %s, 'YYYY-MM'), count(*),
    count(*) FILTER (WHERE EXISTS (SELECT FROM privacy_postponement AS later WHERE later.record_id = record.id))
FROM privacy_readrecord AS record WHERE hidden_until IS NOT NULL GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sealed read that is not shown yet, to who may decide on it: who read what, when and why, never of whom.

    *until* is the day on which it is shown (ISO); *decided* says that who asks has read it or decided on it before.
    """

    record: str
    moment: str
    user: str
    purpose: str
    register: str
    case: str
    until: str
    decided: bool


@dataclass(frozen=True, slots=True)
class Count:
    """How many sealed reads an agency made in a month (``2026-12``), and how many of them were postponed."""

    agency: str
    month: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}\Z")]
    reads: int
    postponed: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What a system answers that is asked for its counts."""

    counts: tuple[Count, ...]


def postpone(record: UUID, until: date, reader: Reader) -> str:
    """Decide as *reader* that a sealed read is shown only on *until*; return the id of the ledger's entry.

    It needs a post that the right names at the system that read, an officer who has not decided on it before, and a
    read that is not shown yet. Raise `NotPermitted`, which is recorded, otherwise.
    """
    with transaction.atomic():
        row = ReadRecord.objects.select_for_update().filter(id=record).first()
        reason = _why_not(row, until, reader)
        if not reason:
            return _decided(record, until, reader)
    records.refused(reader, SERVICE, "postpone", (), reason, ())
    raise NotPermitted(reason=reason, register=SERVICE)


def waiting(reader: Reader) -> list[Waiting]:
    """Return the reads that *reader*'s system made here for their purpose and that are not shown yet, the next first.

    They are `MOST` at most; nothing to a post that may not postpone them.
    """
    purpose, today = rights.purposes().get(reader.purpose), nation.current().today()
    if not rules.may_postpone(purpose, reader, today):
        return []
    mine = ReadRecord.objects.filter(hidden_until__isnull=False, purpose=reader.purpose, client__iexact=reader.client)
    shown_on = Greatest("hidden_until", Max("postponements__until"))
    found = mine.annotate(shown_on=shown_on, deciders=ArrayAgg("postponements__by", default=[]))
    next_ones = found.filter(shown_on__gt=today).order_by("shown_on", "id")[:MOST]
    return [
        Waiting(
            record=str(one.id),
            moment=one.moment.isoformat(),
            user=one.user,
            purpose=one.purpose,
            register=one.register,
            case=one.case,
            until=one.shown_on.isoformat(),
            decided=reader.user in (one.user, *one.deciders),
        )
        for one in next_ones
    ]


def _decided(record: UUID, until: date, reader: Reader) -> str:
    said = Postponement(id=uuid7(), record_id=record, moment=clock.now(), by=reader.user, basis=reader.basis)
    said.until, said.salt = until, secrets.token_bytes(records.SALT_BYTES)
    said.entry = ledger.append(LEDGER_KIND, sha256(_content(said)).digest()).id
    said.save(force_insert=True)
    return str(said.entry)


def _why_not(row: ReadRecord | None, until: date, reader: Reader) -> str:
    if row is None or row.hidden_until is None:
        return "not-sealed"
    before = list(row.postponements.all())
    deciders = frozenset([row.user, *(one.by for one in before)])
    sealed = rules.Sealed(row.client, deciders, max([row.hidden_until, *(one.until for one in before)]))
    return rules.why_not_postponed(rights.purposes().get(row.purpose), sealed, reader, until, nation.current().today())


def counts() -> list[Count]:
    """Return how many sealed reads each agency made here, month by month, the newest first; nothing of anybody."""
    found: Counter[tuple[str, str]] = Counter()
    postponed: Counter[tuple[str, str]] = Counter()
    for client, office, month, reads, later in rows.fetch(COUNTED, [timezone.get_default_timezone_name()]):
        found[month, agency_of(client, office)[0]] += reads
        postponed[month, agency_of(client, office)[0]] += later
    return [
        Count(agency, month, number, postponed[month, agency])
        for (month, agency), number in sorted(found.items(), reverse=True)
    ]


def _content(said: Postponement) -> bytes:
    """Return what the ledger commits to of a decision to postpone."""
    facts = {
        "id": str(said.id),
        "record": str(said.record_id),
        "moment": said.moment.isoformat(),
        "by": said.by,
        "basis": said.basis,
        "until": said.until.isoformat(),
    }
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return b"onedoor postponement 1\n" + bytes(said.salt) + text.encode()


def _entered(entry: str) -> Iterator[tuple[str, bytes]]:
    found = Postponement.objects.filter(entry=entry) if entry else Postponement.objects.all()
    for one in found.order_by("entry").iterator(chunk_size=details.AT_ONCE):
        yield str(one.entry), _content(one)


details.register(LEDGER_KIND, _entered)
