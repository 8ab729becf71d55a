"""What a person said to each version of what a purpose asks: agreed or withdrawn; nothing is overwritten."""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from onedoor.kernel import clock, nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.ids import uuid7
from onedoor.privacy import records, rights, rules
from onedoor.privacy.errors import NothingToAgreeTo, SaidNoThemselves, TermsChanged
from onedoor.privacy.events import ConsentGiven, ConsentWithdrawn
from onedoor.privacy.models import Consent
from onedoor.privacy.rules import Purpose, Terms
from onedoor.store import details, keys, ledger, outbox, rows
from onedoor.store.locks import one_at_a_time
from onedoor.store.rows import Rows

LEDGER_KIND = "privacy.consent"
NEWEST = Rows(Consent, "person = %s AND purpose = %s ORDER BY id DESC LIMIT 1")
ALL = Rows(Consent, "person = %s ORDER BY id DESC")
AGREED = """
SELECT DISTINCT ON (person) person, version, given FROM privacy_consent
WHERE person = ANY(%s) AND purpose = %s ORDER BY person, id DESC
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """A purpose, what it asks for today, everything the person said to it, newest first, and whether that suffices."""

    purpose: Purpose
    terms: Terms
    said: tuple[Consent, ...]
    agreed: bool

    @property
    def outdated(self) -> bool:
        """Whether the person agreed, but to a version that does not suffice any more."""
        return bool(self.said) and self.said[0].given and not self.agreed


def asked() -> Mapping[str, tuple[Purpose, Terms]]:
    """Return the purposes that ask for consent today, each with the version they ask for."""
    today = nation.current().today()
    found = {key: (one, rules.terms_on(one, today)) for key, one in rights.purposes().items() if one.in_force(today)}
    return {key: (one, terms) for key, (one, terms) in found.items() if terms}


def standings(person: str) -> list[Standing]:
    """Return for each purpose that asks for consent where *person* (a personal number) stands."""
    said = ALL.all(_blind(person))
    return [_standing(purpose, terms, said) for purpose, terms in asked().values()]


def _standing(purpose: Purpose, terms: Terms, all_said: Sequence[Consent]) -> Standing:
    said = tuple(one for one in all_said if one.purpose == purpose.id)
    return Standing(purpose, terms, said, rules.agreed(terms, said[0].version if said and said[0].given else None))


def decide(person: str, purpose: str, version: int, *, given: bool, by: Actor) -> Consent:
    """Keep that *person* (a personal number) agrees to *version* of what *purpose* asks, or withdraws it; once.

    Saying the same again changes nothing. It is durable when this returns, so the next read is held to it. Raise
    `NothingToAgreeTo`, `TermsChanged` when another version is asked for today, or `SaidNoThemselves` when a system
    says yes for a person whose own last word was no.
    """
    found = asked().get(purpose)
    if found is None:
        raise NothingToAgreeTo(purpose=purpose[:80])
    terms = found[1]
    if given and version != terms.version:
        raise TermsChanged
    mark = _blind(person)
    with transaction.atomic():
        one_at_a_time(f"privacy.consent:{mark.hex()}:{purpose}")
        before = NEWEST.first(mark, purpose)
        if before and before.given == given and (not given or before.version == version):
            return before
        if given and before and not before.given and not before.brought and not by.person:
            raise SaidNoThemselves
        stands = before.version if before and not given else terms.version
        return _kept(mark, purpose, stands, given=given, by=by, after=before.id if before else None)


def _kept(mark: bytes, purpose: str, version: int, *, given: bool, by: Actor, after: UUID | None) -> Consent:
    """Keep a decision with its ledger entry and its event; the words are those of the version.

    Its id comes *after* that of the one before, also when the clock was set back: the newest decision holds.
    """
    (words,) = (one.text for one in rights.purposes()[purpose].consent if one.version == version)
    name = uuid7()
    if after and name <= after:
        name = UUID(int=after.int + 1)
    row = Consent(id=name, person=mark, purpose=purpose, version=version, given=given, moment=clock.now())
    row.said, row.by, row.salt = digest(words), by.person or by.agency, secrets.token_hex(records.SALT_BYTES)
    row.entry = ledger.append(LEDGER_KIND, hashlib.sha256(_content(row)).digest()).id
    row.save(force_insert=True)
    outbox.state((ConsentGiven if given else ConsentWithdrawn)(by=by, purpose=purpose, version=version))
    return row


def agreed(purpose: str, persons: Sequence[str]) -> list[bool]:
    """Return for each of *persons* (personal numbers) whether they agree to what *purpose* asks today."""
    one, today = rights.purposes().get(purpose), nation.current().today()
    terms = rules.terms_on(one, today) if one and one.in_force(today) else None
    marks = [_blind(person) for person in persons]
    said = {bytes(mark): version for mark, version, given in rows.fetch(AGREED, [marks, purpose]) if given}
    return [rules.agreed(terms, said.get(mark)) for mark in marks]


def digest(words: Mapping[str, str]) -> str:
    """Return in hex SHA-256 of the words of a version in every language, as JSON with sorted keys."""
    return hashlib.sha256(_json(dict(words))).hexdigest()


def _blind(person: str) -> bytes:
    return keys.blind(records.BLIND, person)


def _json(facts: object) -> bytes:
    return json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _content(row: Consent) -> bytes:
    """Return what the ledger commits to of a decision."""
    facts = {
        "id": str(row.id),
        "person": bytes(row.person or b"").hex(),
        "purpose": row.purpose,
        "version": row.version,
    }
    facts |= {"given": row.given, "said": row.said, "by": row.by, "moment": row.moment.isoformat()}
    return b"onedoor consent 1\n" + row.salt.encode() + _json(facts)


def _entered(entry: str) -> Iterator[tuple[str, bytes]]:
    found = Consent.objects.filter(entry=entry) if entry else Consent.objects.all()
    for one in found.order_by("entry").iterator(chunk_size=details.AT_ONCE):
        yield str(one.entry), _content(one)


details.register(LEDGER_KIND, _entered)
