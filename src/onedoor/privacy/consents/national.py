"""The nation's own consents as the consent API tells them: a purpose is an agreement, what a person said its record.

Their words are those of the nation's first language, so that a hash is the same for every reader.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from onedoor.kernel import nation
from onedoor.kernel.actor import Actor
from onedoor.kernel.settings import current as settings
from onedoor.kernel.text import pick
from onedoor.privacy.consents import decisions
from onedoor.privacy.consents.revisions import AGREEMENT, POLICY, RECORD, Writer, mark_of
from onedoor.privacy.consents.snapshots import digest, snapshot
from onedoor.privacy.models import Consent
from onedoor.privacy.rules import Purpose, Terms
from onedoor.store.rows import Rows

BY_ID = Rows(Consent, "id = %s AND person IS NOT NULL")
SAID = Rows(Consent, "person = %s AND purpose = %s ORDER BY id")
FILES = "the nation's files"


@dataclass(frozen=True, slots=True)
class Agreement:
    """A data agreement and the revision it is taken from, each as the definition writes it."""

    data: dict[str, Any]
    revision: dict[str, Any]
    national: bool = False

    @property
    def id(self) -> str:
        """Return its id."""
        return str(self.data["id"])

    @property
    def hash(self) -> str:
        """Return the hash of the revision, which a record copies."""
        return str(self.revision["serializedHash"])


@dataclass(frozen=True, slots=True)
class Said:
    """Everything that one person said to one purpose, the oldest first."""

    rows: Sequence[Consent]

    @property
    def id(self) -> str:
        """Return the id of the record, which is that of its first decision."""
        return str(self.rows[0].id)

    @property
    def purpose(self) -> str:
        """Return the purpose."""
        return self.rows[0].purpose

    @property
    def mark(self) -> bytes:
        """Return the blind index of the person."""
        return bytes(self.rows[0].person or b"")

    def told(self, individual: str = "") -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield the record in each of its states with the revision of it, the oldest first."""
        before = ""
        for row in self.rows:
            under = agreement(self.purpose, _revision_id(self.purpose, row.version))
            facts = {"dataAgreement": self.purpose, "optIn": row.given}
            facts |= {"dataAgreementRevision": _revision_id(self.purpose, row.version)}
            facts |= {"dataAgreementRevisionHash": under.hash if under else ""}
            text = snapshot(RECORD, self.id, facts, moment=row.moment.isoformat(), other=row.by)
            record = {"id": self.id, "optIn": row.given, "state": "unsigned"}
            record["dataAgreementRevisionHash"] = facts["dataAgreementRevisionHash"]
            if under:
                record |= {"dataAgreement": under.data, "dataAgreementRevision": under.revision}
            if individual:
                record["individual"] = {"id": individual}
            yield record, _revision(str(row.id), RECORD, self.id, text, row.moment.isoformat(), row.by, before)
            before = digest(text)

    def newest(self, individual: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the record as it is, with its revision."""
        return list(self.told(individual))[-1]


def agreements() -> list[Agreement]:
    """Return what persons are asked to agree to today."""
    return [list(_versions(purpose, terms.version))[-1] for purpose, terms in decisions.asked().values()]


def agreement(purpose: str, revision: str = "") -> Agreement | None:
    """Return what a purpose asks today, or asked in the version that *revision* names; None when it asks nothing."""
    found = decisions.asked().get(purpose)
    versions = list(_versions(found[0], found[1].version)) if found else []
    if revision:
        return next((one for one in versions if one.revision["id"] == revision), None)
    return versions[-1] if versions else None


def policy(purpose: str, revision: str = "") -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the policy under which a purpose asks, which is its place on the page of consents, with its revision."""
    found = agreement(purpose, revision)
    if found is None:
        return None
    data, moment = found.data["policy"], found.revision["timestamp"]
    text = snapshot(POLICY, purpose, data, moment=moment, other=FILES)
    return data, _revision(found.revision["id"], POLICY, purpose, text, moment, FILES, "")


def _versions(purpose: Purpose, until: int) -> Iterator[Agreement]:
    before = ""
    for terms in (one for one in purpose.consent if one.version <= until):
        data = _data(purpose, terms)
        moment = _moment(terms.since)
        text = snapshot(AGREEMENT, purpose.id, data, moment=moment, other=FILES)
        name = _revision_id(purpose.id, terms.version)
        yield Agreement(data, _revision(name, AGREEMENT, purpose.id, text, moment, FILES, before), national=True)
        before = digest(text)


def _data(purpose: Purpose, terms: Terms) -> dict[str, Any]:
    country = nation.current()
    language = country.languages[0]
    reader = next(one.reader for one in purpose.grants if one.register)
    url = f"{settings().public_url}/{language}/consents#{purpose.id}"
    controller = {"id": reader, "name": pick(country.holder_of(reader), language)}
    named = {"id": purpose.id, "name": pick(purpose.text, language), "version": str(terms.version), "url": url}
    return {
        "id": purpose.id,
        "version": str(terms.version),
        "controller": {**controller, "url": settings().public_url if reader == settings().subsystem else ""},
        "policy": named,
        "purpose": pick(terms.text, language),
        "lawfulBasis": "consent",
        "dataUse": "data_using_service",
        "dpia": "",
        "active": True,
        "forgettable": False,
    }


def _revision_id(purpose: str, version: int) -> str:
    return f"{purpose}.{version}"


def _moment(day: date) -> str:
    return datetime.combine(day, time(), nation.current().zone).isoformat()


def _revision(name: str, schema: str, of: str, text: str, moment: str, by: str, before: str) -> dict[str, Any]:
    return {
        "id": name,
        "schemaName": schema,
        "objectId": of,
        "signedWithoutObjectId": False,
        "serializedSnapshot": text,
        "serializedHash": digest(text),
        "timestamp": moment,
        "authorizedByOther": by,
        "predecessorHash": before,
        "predecessorSignature": "",
    }


def named_to(client: str) -> list[str]:
    """Return the purposes asking for consent in which the system *client* takes part."""
    asked = decisions.asked().items()
    return [key for key, (one, _) in asked if any(grant.reader.casefold() == client.casefold() for grant in one.grants)]


def said_of(mark: bytes, purpose: str) -> Said | None:
    """Return what the person with the blind index *mark* said to *purpose*; None when that is nothing."""
    found = SAID.all(mark, purpose)
    return Said(found) if found else None


def said_by_id(name: str) -> Said | None:
    """Return what the record called *name* holds; None when there is none of that id."""
    try:
        first = BY_ID.first(UUID(name))
    except ValueError:
        return None
    found = said_of(bytes(first.person or b""), first.purpose) if first else None
    return found if found and found.id == name else None


def decide(person: str, asked: Agreement, writer: Writer, *, given: bool) -> Said:
    """Keep that *person* agrees to what is *asked*, or withdraws it, as the system that brings it says."""
    decisions.decide(person, asked.id, int(asked.data["version"]), given=given, by=Actor(agency=writer.client))
    found = said_of(mark_of(person), asked.id)
    if found is None:
        raise RuntimeError("a decision that was kept is there")
    return found
