"""Objects of the consent API as revisions: nothing is overwritten, the newest holds, each names the hash before it.

What is about a person is sealed under that person's key, what is about nobody stands in clear.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import OuterRef, Subquery

from onedoor.kernel import clock
from onedoor.kernel.ids import uuid7
from onedoor.privacy import records
from onedoor.privacy.consents.snapshots import canonical, digest, snapshot
from onedoor.privacy.errors import NoSuchObject
from onedoor.privacy.models import Revision
from onedoor.store import details, keys, ledger, rows, sealed
from onedoor.store.keys import Erased
from onedoor.store.locks import one_at_a_time
from onedoor.store.rows import Rows
from onedoor.store.sealed import BadEnvelope, KeyDestroyed, Place

LEDGER_KIND = "privacy.consent-record"
RECORD, SIGNATURE, AGREEMENT, POLICY = "ConsentRecord", "Signature", "DataAgreement", "Policy"
INDIVIDUAL, WEBHOOK = "Individual", "Webhook"
THERE = "successor IS NULL AND NOT ended AND (plain <> '' OR sealed <> '')"
NEWEST = Rows(Revision, "object = %s AND successor IS NULL")
ONE = Rows(Revision, "id = %s")
HISTORY = Rows(Revision, "object = %s AND (plain <> '' OR sealed <> '') ORDER BY number DESC")
LISTED = Rows(Revision, f"schema = %s AND %s IN (client, '') AND {THERE} ORDER BY object OFFSET %s LIMIT %s")
REFERRING = Rows(Revision, f"schema = %s AND refers = %s AND {THERE} ORDER BY object")
OF_PERSON = Rows(Revision, f"schema = %s AND client = %s AND person = %s AND {THERE} ORDER BY object")
SUCCEED = "UPDATE privacy_revision SET successor = %s WHERE id = %s"
FORGET = "UPDATE privacy_revision SET sealed = '', person = NULL WHERE object = %s"


@dataclass(frozen=True, slots=True)
class Writer:
    """Which system writes, and in whose name there."""

    client: str
    user: str = ""

    @property
    def name(self) -> str:
        """Return both in one, as a revision names who made it."""
        return f"{self.client} {self.user}".strip()


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be kept of an object; *person* is the personal number of whom it is about, under whose key it goes.

    *subject* is another name to seal under, *individual* who authorised it, *refers* the id that others find it by,
    *text* a snapshot that was signed before it is kept, *signature* that of the revision before.
    """

    schema: str
    data: Mapping[str, Any] | None
    person: str = ""
    subject: str = ""
    individual: str = ""
    refers: str = ""
    text: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A revision that was opened: its row, and what it holds."""

    row: Revision
    facts: Mapping[str, Any] = field(repr=False)

    @property
    def object(self) -> str:
        """Return the id of the object."""
        return str(self.row.object)

    @property
    def data(self) -> dict[str, Any]:
        """Return the object as it was, with its id."""
        return {**(json.loads(self.facts["snapshot"])["objectData"] or {}), "id": self.object}

    @property
    def hash(self) -> str:
        """Return the hash of the snapshot."""
        return digest(self.facts["snapshot"])

    @property
    def person(self) -> str:
        """Return the personal number of whom it is about, or nothing."""
        return str(self.facts.get("person", ""))

    def revision(self, *, successor: bool = True) -> dict[str, Any]:
        """Return it as the definition writes a ``Revision``; what took its place comes along, unless told not to."""
        said = json.loads(self.facts["snapshot"])
        told = {
            "id": str(self.row.id),
            "schemaName": self.row.schema,
            "objectId": self.object,
            "signedWithoutObjectId": said["signedWithoutObjectId"],
            "serializedSnapshot": self.facts["snapshot"],
            "serializedHash": self.hash,
            "timestamp": said["timestamp"],
            "authorizedByOther": said["authorizedByOther"],
            "predecessorHash": self.facts["before"],
            "predecessorSignature": self.facts["before_signature"],
        }
        if said["authorizedByIndividual"]:
            told["authorizedByIndividual"] = {"id": said["authorizedByIndividual"]}
        if successor and self.row.successor and (later := ONE.first(self.row.successor)) and not later.emptied:
            told["successor"] = opened(later).revision(successor=False)
        return told


def keep(draft: Draft, writer: Writer, name: str = "") -> Kept:
    """Keep the next revision of the object *name*, or the first of a new one; without data its last.

    The same data again is no revision: then the newest is returned. Raise `NoSuchObject` when it has ended meanwhile.
    """
    with transaction.atomic():
        if name:
            lock(name)
        before = _newest(name)
        if name and before is None:
            raise NoSuchObject(schema=draft.schema)
        if before and not draft.text and draft.data is not None and before.data == {**draft.data, "id": before.object}:
            return before
        row = Revision(id=uuid7(), object=UUID(name) if name else uuid7(), schema=draft.schema, client=writer.client)
        row.moment, row.number = clock.now(), before.row.number + 1 if before else 1
        row.refers, row.ended = draft.refers, draft.data is None
        facts = _facts(row, draft, writer, before)
        _seal(row, draft, facts)
        row.entry = ledger.append(LEDGER_KIND, hashlib.sha256(_content(row)).digest()).id
        row.save(force_insert=True)
        if before:
            rows.run(SUCCEED, [row.id, before.row.id])
        return Kept(row, facts)


def _facts(row: Revision, draft: Draft, writer: Writer, before: Kept | None) -> dict[str, Any]:
    other = writer.client if draft.person else writer.name
    moment = row.moment.isoformat()
    text = draft.text or snapshot(
        draft.schema, str(row.object), draft.data, moment=moment, individual=draft.individual, other=other
    )
    facts = {"snapshot": text, "before": before.hash if before else "", "before_signature": draft.signature}
    return facts | ({"person": draft.person} if draft.person else {})


def _seal(row: Revision, draft: Draft, facts: dict[str, Any]) -> None:
    """Put *facts* into the row: under a person's key with a salted digest of the snapshot, or in clear."""
    if draft.schema == RECORD or draft.person or draft.subject:
        facts["salt"] = secrets.token_hex(records.SALT_BYTES)
        row.digest = digest(facts["salt"] + facts["snapshot"])
    if draft.person:
        row.person = mark_of(draft.person)
    if subject := draft.person or draft.subject:
        row.sealed = sealed.seal(facts, subject=subject, place=_place(row))
    else:
        row.plain = canonical(facts)


def _place(row: Revision) -> Place:
    return Place("privacy_revision", "sealed", str(row.id))


def opened(row: Revision) -> Kept:
    """Return *row* with what it holds."""
    held = bytes(row.sealed)
    return Kept(row, sealed.unseal(held, place=_place(row)) if held else json.loads(row.plain))


def _newest(name: str) -> Kept | None:
    row = NEWEST.first(UUID(name)) if name else None
    return opened(row) if row and not row.ended and not row.emptied else None


def one(schema: str, name: str, client: str = "", *, revision: str = "") -> Kept:
    """Return the object *name* of the system *client* (of any, if none is named), as it is or as a *revision* has it.

    Raise `NoSuchObject`: an object of another system is none.
    """
    found = _newest(name) if _is_id(name) else None
    if found and revision:
        found = next((past for past in history(name) if str(past.row.id) == revision), None)
    if found is None or found.row.schema != schema or client not in ("", found.row.client):
        raise NoSuchObject(schema=schema)
    return found


def history(name: str) -> Iterator[Kept]:
    """Yield every revision of an object that holds something, the newest first."""
    yield from (opened(row) for row in HISTORY.all(UUID(name)))


def listed(schema: str, client: str, offset: int, limit: int) -> list[Kept]:
    """Return a page of the objects of the system *client*, or of all systems if none is named, in order of time."""
    return [opened(row) for row in LISTED.all(schema, client, offset, limit)]


def at(revision: str) -> Kept:
    """Return the revision with this id, whatever has become of its object since; raise `NoSuchObject`."""
    row = ONE.first(UUID(revision)) if _is_id(revision) else None
    if row is None or row.emptied:
        raise NoSuchObject(schema="Revision")
    return opened(row)


def lock(name: str) -> None:
    """Let the caller's transaction alone change the object *name* until it ends."""
    one_at_a_time(f"privacy.revision:{name}")


def with_revision(schema: str, client: str, revision: str) -> list[Kept]:
    """Return the object, as it is, that has the revision with this id: one, or none."""
    try:
        return [one(schema, at(revision).object, client)]
    except NoSuchObject:
        return []


def referring(schema: str, name: str) -> list[Kept]:
    """Return the objects that refer to *name* as they are."""
    return [opened(row) for row in REFERRING.all(schema, name)]


def of_person(schema: str, client: str, mark: bytes) -> list[Kept]:
    """Return the objects of the system *client* that are about the person with this blind index (`mark_of`)."""
    return [opened(row) for row in OF_PERSON.all(schema, client, mark)]


def mark_of(person: str) -> bytes:
    """Return the blind index of a personal number, the same as in the records of reads and of consents."""
    return keys.blind(records.BLIND, person)


def forget(name: str) -> None:
    """Empty every revision of an object about a person; that there was one stays, and that it is empty is entered."""
    rows.run(FORGET, [UUID(name)])
    for entry in filter(None, Revision.objects.filter(object=name).values_list("entry", flat=True)):
        details.amend(LEDGER_KIND, entry, "forgotten")


def _is_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _content(row: Revision) -> bytes:
    """Return what the ledger commits to of a revision; it tells of nobody. One that was emptied says so."""
    facts = {"id": str(row.id), "object": str(row.object), "number": row.number, "client": row.client}
    facts |= {"digest": row.digest, "ended": row.ended, "moment": row.moment.isoformat()}
    facts |= {"emptied": True} if row.emptied else {}
    if row.form == 1:
        return b"onedoor consent record 1\n" + canonical(facts).encode()
    facts |= {"schema": row.schema, "refers": row.refers, "person": bytes(row.person or b"").hex(), "plain": row.plain}
    return f"onedoor consent object {row.form}\n{canonical(facts)}".encode()


def _entered(entry: str) -> Iterator[tuple[str, bytes]]:
    found = Revision.objects.filter(entry=entry) if entry else Revision.objects.filter(entry__isnull=False)
    following = Revision.objects.filter(object=OuterRef("object"), number=OuterRef("number") + 1)
    with_next = found.annotate(following=Subquery(following.values("id")[:1]))
    for row in with_next.order_by("entry").iterator(chunk_size=details.AT_ONCE):
        yield str(row.entry), _content(row) if row.successor == row.following and _holds(row) else b""


def _holds(row: Revision) -> bool:
    """Return whether a row is about whom and holds what it was entered with, as far as its commitment cannot tell."""
    if row.form == 1:  # only what is about somebody was entered then
        return row.emptied or row.person is not None
    if not row.sealed:
        return True
    try:
        facts = opened(row).facts
    except Erased:
        return True  # brought back by a restore: it goes when the erasure is repeated
    except (BadEnvelope, KeyDestroyed):
        return False
    return digest(facts["salt"] + facts["snapshot"]) == row.digest


details.register(LEDGER_KIND, _entered)
