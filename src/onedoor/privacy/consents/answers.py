"""What each operation of the consent API does: from who asks and what is asked to the words of its answer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from onedoor.kernel.errors import BadInput
from onedoor.kernel.said import said
from onedoor.kernel.settings import current
from onedoor.privacy import records, service
from onedoor.privacy.consents import agreements, consent_records, national, objects, revisions
from onedoor.privacy.consents.agreements import Agreement
from onedoor.privacy.consents.national import Said
from onedoor.privacy.consents.objects import Kind
from onedoor.privacy.consents.revisions import INDIVIDUAL, RECORD, THERE, Kept, Writer
from onedoor.privacy.errors import NoSuchObject
from onedoor.privacy.rules import CONSENT, DECIDE, WRITE, Reader
from onedoor.store import rows

Told = dict[str, Any]
OWN_WITHOUT = said("the nation's consents are kept without signatures")
RECORDS = f"""
SELECT object::text, '' FROM privacy_revision WHERE schema = 'ConsentRecord' AND %s IN (client, '') AND {THERE}
UNION ALL
SELECT (array_agg(id ORDER BY id))[1]::text, purpose FROM privacy_consent
WHERE person IS NOT NULL AND purpose = ANY(%s) AND (%s = '' OR person IN (
    SELECT person FROM privacy_revision WHERE schema = 'Individual' AND client = %s AND {THERE}))
GROUP BY person, purpose
ORDER BY 1 OFFSET %s LIMIT %s
"""  # noqa: S608 - no value is in it
"""The ids of consent records of a system (of all, if none is named): its own, and the nation's of its individuals."""


@dataclass(slots=True)
class Asked:
    """One question: who asks, the id in the address, the parameters, the individual of the header, the body.

    *seen* are the personal numbers, or the blind indexes, of those whom what is answered is about.
    """

    reader: Reader
    name: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    individual: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    offset: int = 0
    limit: int = 0
    audit: bool = False
    seen: list[str | bytes] = field(default_factory=list)

    @property
    def client(self) -> str:
        """Return whose objects may be seen: those of the system that asks, or of all for an audit."""
        return "" if self.audit else self.reader.client

    @property
    def writer(self) -> Writer:
        """Return who writes."""
        return Writer(self.reader.client, self.reader.user)

    @property
    def revision(self) -> str:
        """Return the id of the revision that is asked for, or nothing."""
        return self.query.get("revisionId", "")

    def of(self, kept: Kept) -> Kept:
        """Note whom *kept* is about."""
        if kept.person:
            self.seen.append(kept.person)
        return kept

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep all that is written inside, and that it was, or nothing."""
        with transaction.atomic():
            yield
            self.record(WRITE)

    def record(self, operation: str) -> None:
        """Record that what was seen since the last record was used."""
        if self.seen:
            records.allowed(self.reader, CONSENT, operation, (), list(dict.fromkeys(self.seen)))
            self.seen.clear()


def created(asked: Asked, kind: Kind) -> Told:
    """Keep a new object."""
    with asked.writing():
        return _told(kind, asked.of(objects.create(kind, asked.body[kind.key], asked.writer)))


def read(asked: Asked, kind: Kind) -> Told:
    """Tell of an object, as it is or in the revision that is asked for."""
    return _told(kind, asked.of(revisions.one(kind.schema, asked.name, asked.client, revision=asked.revision)))


def updated(asked: Asked, kind: Kind) -> Told:
    """Keep the next revision of an object."""
    with asked.writing():
        return _told(kind, asked.of(objects.update(kind, asked.name, asked.body[kind.key], asked.writer)))


def removed(asked: Asked, kind: Kind) -> Told:
    """Keep the last revision of an object, which has no content."""
    with asked.writing():
        return {"revision": objects.remove(kind, asked.name, asked.writer).revision()}


def listed(asked: Asked, kind: Kind) -> Told:
    """Tell of a page of objects; of that one alone which has the revision that is asked for."""
    if asked.revision:
        past = revisions.with_revision(kind.schema, asked.client, asked.revision)
        found = past[asked.offset : asked.offset + asked.limit]
    else:
        found = revisions.listed(kind.schema, asked.client, asked.offset, asked.limit)
    return {"": [_told(kind, asked.of(one))[kind.key] for one in found]}


def _told(kind: Kind, kept: Kept) -> Told:
    return {kind.key: kind.shown(kept.data), "revision": kept.revision()}


def policy(asked: Asked) -> Told:
    """Tell of a policy, one of the nation's too."""
    data, revision = agreements.policy(asked.name, asked.revision, asked.client)
    return {"policy": data, "revision": revision}


def policy_revisions(asked: Asked) -> Told:
    """Tell of a policy as it is, and a page of its revisions, the newest first."""
    kept = revisions.one(revisions.POLICY, asked.name, asked.client)
    past = list(revisions.history(kept.object))[asked.offset : asked.offset + asked.limit]
    return {"policy": kept.data, "revisions": [one.revision(successor=False) for one in past]}


def agreement(asked: Asked) -> Told:
    """Tell of an agreement, one of the nation's too."""
    found = agreements.find(asked.name, asked.client)
    return {"dataAgreement": found.data, "revision": found.revision}


def agreements_listed(asked: Asked) -> Told:
    """Tell of a page of agreements, those of the nation first."""
    return {"": [one.data for one in agreements.listed(asked.client, asked.offset, asked.limit)]}


def record(asked: Asked) -> Told:
    """Tell of a consent record, one of the nation's too."""
    if said := national.said_by_id(asked.name):
        return _national(asked, said)
    return _own(asked, revisions.one(RECORD, asked.name, asked.client))


def records_listed(asked: Asked) -> Told:
    """Tell of a page of consent records, in order of time."""
    purposes = [one.id for one in national.agreements()] if asked.audit else national.named_to(asked.client)
    client = asked.client
    found = rows.fetch(RECORDS, [client, purposes, client, client, asked.offset, asked.limit])
    return {"": [record(_with_name(asked, name))["consentRecord"] for name, _ in found]}


def _with_name(asked: Asked, name: str) -> Asked:
    return Asked(asked.reader, name, audit=asked.audit, seen=asked.seen)


def _own(asked: Asked, kept: Kept) -> Told:
    return {"consentRecord": consent_records.shown(asked.of(kept)), "revision": kept.revision()}


def _national(asked: Asked, said: Said) -> Told:
    """Tell of a record of the nation: to who takes part, about an individual of theirs; to an auditor of any."""
    whose = ""
    if asked.audit:
        asked.seen.append(said.mark)
    else:
        known = revisions.of_person(INDIVIDUAL, asked.client, said.mark)
        if not known or said.purpose not in national.named_to(asked.client):
            raise NoSuchObject(schema=RECORD)
        whose = asked.of(known[0]).object
    told, revision = said.newest(whose)
    return {"consentRecord": told, "revision": revision}


def _individual(asked: Asked, name: str = "") -> Kept:
    """Return the individual of the header, or the one called *name*; raise `BadInput` or `NoSuchObject`."""
    if not (name or asked.individual):
        raise BadInput(what=said("the header X-ConsentBB-IndividualId names the individual"))
    return asked.of(revisions.one(INDIVIDUAL, name or asked.individual, asked.reader.client))


def record_given(asked: Asked) -> Told:
    """Keep that an individual agrees to what an agreement asks now."""
    found = _to_agree(asked, asked.name)
    individual = _individual(asked, asked.query["individualId"])
    if found.national:
        return _decided(asked, individual, found, given=True)
    with asked.writing():
        return _own(asked, consent_records.give(found, individual, asked.writer))


def _to_agree(asked: Asked, name: str) -> Agreement:
    found = agreements.find(name, asked.reader.client)
    consent_records.check_open(found, asked.revision)
    return found


def _decided(asked: Asked, individual: Kept, found: Agreement, *, given: bool) -> Told:
    """Keep what a person says to one of the nation's consents: the gate is held to it from the next read on.

    It takes a right of its own, and a part in the purpose.
    """
    service.permit_call(asked.reader, service=CONSENT, provider=current().subsystem, operation=DECIDE)
    if found.id not in national.named_to(asked.reader.client):
        raise BadInput(what=said("your system takes no part in what this consent is about"))
    with asked.writing():
        return _national(asked, national.decide(individual.person, found, asked.writer, given=given))


def record_draft(asked: Asked) -> Told:
    """Tell of a record and a signature as they would be kept; nothing is."""
    found = _to_agree(asked, asked.query["dataAgreementId"])
    if found.national:
        raise BadInput(what=OWN_WITHOUT)
    told, signature = consent_records.draft(found, _individual(asked, asked.query["individualId"]))
    return {"consentRecord": told, "signature": signature}


def record_signed(asked: Asked) -> Told:
    """Keep a record and its signature, which a draft prepared."""
    given = asked.body["consentRecord"]
    found = _to_agree(asked, given.get("dataAgreement", {}).get("id", ""))
    if found.national:
        raise BadInput(what=OWN_WITHOUT)
    individual = _individual(asked, given.get("individual", {}).get("id", ""))
    with asked.writing():
        kept, signature = consent_records.give_signed(found, individual, asked.body, asked.writer)
        return {**_own(asked, kept), "signature": signature.data}


def records_of_individual(asked: Asked) -> Told:
    """Tell of a page of all that an individual says to any agreement."""
    individual = _individual(asked)
    mark, client = revisions.mark_of(individual.person), asked.client
    said = [found for purpose in national.named_to(client) if (found := national.said_of(mark, purpose))]
    told = [one.newest(individual.object)[0] for one in said]
    told += [consent_records.shown(one) for one in consent_records.held(individual)]
    return {"": told[asked.offset : asked.offset + asked.limit]}


def record_of_individual(asked: Asked) -> Told:
    """Tell what an individual says to an agreement."""
    history = records_of_agreement(asked)[""]
    if not history:
        raise NoSuchObject(schema=RECORD)
    return {"consentRecord": history[0]}


def records_of_agreement(asked: Asked) -> Told:
    """Tell of a page of all that an individual ever said to an agreement, the newest first."""
    individual, found = _individual(asked), agreements.find(asked.name, asked.client)
    if not found.national:
        held = consent_records.held(individual, found.id)
        told = [consent_records.shown(past) for one in held for past in revisions.history(one.object)]
    elif found.id not in national.named_to(asked.client):
        told = []
    else:
        said = national.said_of(revisions.mark_of(individual.person), found.id)
        told = [one for one, _ in said.told(individual.object)][::-1] if said else []
    return {"": told[asked.offset : asked.offset + asked.limit]}


def record_updated(asked: Asked) -> Told:
    """Keep what an individual says anew."""
    individual, body = _individual(asked), asked.body["consentRecord"]
    if heard := national.said_by_id(asked.name):
        if heard.mark != revisions.mark_of(individual.person):
            raise NoSuchObject(schema=RECORD)
        found = agreements.find(heard.purpose, asked.client)
        given = body.get("optIn", heard.rows[-1].given)
        if given and body["dataAgreementRevisionHash"] != found.hash:
            raise BadInput(what=said("another version of the consent is asked now; read it again"))
        return _decided(asked, individual, found, given=given)
    with asked.writing():
        revisions.lock(asked.name)
        kept = _own_record(asked, individual)
        found = agreements.find(kept.data["dataAgreement"], asked.client)
        return _own(asked, consent_records.update(kept, found, body, asked.writer))


def _own_record(asked: Asked, individual: Kept) -> Kept:
    """Return the record of the address, if it is of *individual*; raise `NoSuchObject` otherwise."""
    if national.said_by_id(asked.name):
        raise BadInput(what=OWN_WITHOUT)
    kept = revisions.one(RECORD, asked.name, asked.reader.client)
    if kept.data["individual"] != individual.object:
        raise NoSuchObject(schema=RECORD)
    return kept


def signature_prepared(asked: Asked) -> Told:
    """Keep a signature of a record as it is, with the payload that is to be signed."""
    individual = _individual(asked)
    with asked.writing():
        revisions.lock(asked.name)
        kept = _own_record(asked, individual)
        return {"signature": consent_records.prepare(kept, asked.body["signature"], asked.writer).data}


def signature_added(asked: Asked) -> Told:
    """Add a signature that verifies: the record is signed."""
    individual = _individual(asked)
    with asked.writing():
        revisions.lock(asked.name)
        kept = _own_record(asked, individual)
        return {"signature": consent_records.sign(kept, asked.body["signature"], asked.writer).data}


def records_forgotten(asked: Asked) -> Told:
    """Forget every record of an individual under an agreement that is forgettable."""
    individual = _individual(asked)
    with asked.writing():
        consent_records.forget(individual, asked.writer)
    return {}
