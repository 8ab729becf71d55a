"""Consent records: what one individual says to one agreement, of which there is one, pointing to one revision of it.

A record is signed when the revision it stands at is; so a change of it is unsigned by itself.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from onedoor.kernel import clock
from onedoor.kernel.errors import BadInput
from onedoor.kernel.said import said
from onedoor.privacy.consents import agreements, revisions, signatures, webhooks
from onedoor.privacy.consents.agreements import Agreement
from onedoor.privacy.consents.revisions import RECORD, SIGNATURE, Draft, Kept, Writer
from onedoor.privacy.consents.snapshots import payload, snapshot
from onedoor.store.locks import one_at_a_time

Values = Mapping[str, Any]
OLDEST = timedelta(days=1)
"""How long a draft may wait to be signed and kept."""
AHEAD = timedelta(minutes=1)


def values(agreement: Agreement, individual: Kept, *, opt_in: bool) -> dict[str, Any]:
    """Return what is kept, and signed, of a record."""
    return {
        "dataAgreement": agreement.id,
        "dataAgreementRevision": agreement.revision["id"],
        "dataAgreementRevisionHash": agreement.hash,
        "individual": individual.object,
        "optIn": opt_in,
    }


def shown(record: Kept) -> dict[str, Any]:
    """Return a record as the definition writes it, with the agreement in the revision to which consent was given."""
    data, agreement, signature = record.data, agreements.of_record(record), signature_of(record)
    told = {
        "id": record.object,
        "dataAgreement": agreement.data,
        "dataAgreementRevision": agreement.revision,
        "dataAgreementRevisionHash": data["dataAgreementRevisionHash"],
        "individual": {"id": data["individual"]},
        "optIn": data["optIn"],
        "state": "signed" if signature and signature.data["signature"] else "unsigned",
    }
    return told | ({"signature": signature.data} if signature else {})


def signature_of(record: Kept) -> Kept | None:
    """Return the signature of the revision of a record, perhaps one that waits to be signed."""
    return next(iter(revisions.referring(SIGNATURE, str(record.row.id))), None)


def held(individual: Kept, agreement: str = "") -> Iterator[Kept]:
    """Yield the records of an individual, of one agreement if it is named."""
    for one in revisions.of_person(RECORD, individual.row.client, revisions.mark_of(individual.person)):
        if agreement in ("", one.data["dataAgreement"]):
            yield one


def check_open(agreement: Agreement, revision: str = "") -> None:
    """Raise `BadInput` when nobody can agree to *agreement* now, or *revision* is not what it asks now."""
    if not agreement.data.get("active"):
        raise BadInput(what=said("the agreement is not active, so nobody can agree to it"))
    if revision not in ("", agreement.revision["id"]):
        raise BadInput(what=said("another revision of the agreement is asked now; read it again"))


def give(agreement: Agreement, individual: Kept, writer: Writer, *, opt_in: bool = True, text: str = "") -> Kept:
    """Keep what the individual says to the agreement as it is now; *text* is a snapshot that was signed before.

    Raise `NoSuchObject` or `BadInput` when the agreement has ended, or changed, since it was read.
    """
    one_at_a_time(f"privacy.consent-record:{individual.object}:{agreement.id}")
    revisions.lock(agreement.id)
    check_open(agreements.find(agreement.id, writer.client), agreement.revision["id"])
    before = next(held(individual, agreement.id), None)
    return _kept(before, values(agreement, individual, opt_in=opt_in), individual.person, writer, text)


def _kept(before: Kept | None, data: Values, person: str, writer: Writer, text: str = "") -> Kept:
    signature = signature_of(before) if before else None
    draft = Draft(
        RECORD,
        data,
        person=person,
        individual=str(data["individual"]),
        refers=str(data["dataAgreement"]),
        text=text,
        signature=signature.data["signature"] if signature else "",
    )
    kept = revisions.keep(draft, writer, before.object if before else "")
    if before is None or kept.row.id != before.row.id:
        webhooks.tell(writer.client, "consentRecord.updated" if before else "consentRecord.created", kept)
    return kept


def update(record: Kept, agreement: Agreement, body: Values, writer: Writer) -> Kept:
    """Keep what an individual says anew: ``optIn``, and the agreement's present revision when its hash is given.

    *agreement* is as it is now. Nothing else of a record changes; raise `BadInput` for another individual, agreement
    or revision.
    """
    data = record.data
    for name, own in (("dataAgreement", data["dataAgreement"]), ("individual", data["individual"])):
        if body.get(name, {}).get("id") not in (None, "", own):
            raise BadInput(what=said("the {name} of a consent record cannot change", name=name))
    given, opt_in = body.get("dataAgreementRevisionHash", ""), body.get("optIn", data["optIn"])
    if given not in ("", data["dataAgreementRevisionHash"], agreement.hash):
        raise BadInput(what=said("dataAgreementRevisionHash is neither that of the record nor of the agreement now"))
    if opt_in:
        check_open(agreement)
    if given == agreement.hash:
        data |= {"dataAgreementRevision": agreement.revision["id"], "dataAgreementRevisionHash": agreement.hash}
    changed = {**data, "optIn": opt_in}
    del changed["id"]
    return _kept(record, changed, record.person, writer)


def draft(agreement: Agreement, individual: Kept) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a record and its signature as they would be kept, ready to be signed; nothing is kept."""
    moment = clock.now().isoformat()
    signature = signatures.prepared({}, _unkept(agreement, individual, moment, opt_in=True), "", moment)
    record = {
        "id": "",
        "dataAgreement": agreement.data,
        "dataAgreementRevision": agreement.revision,
        "dataAgreementRevisionHash": agreement.hash,
        "individual": {"id": individual.object},
        "optIn": True,
        "state": "unsigned",
    }
    return record, {**signature, "id": ""}


def _unkept(agreement: Agreement, individual: Kept, moment: str, *, opt_in: bool) -> str:
    data = values(agreement, individual, opt_in=opt_in)
    client = individual.row.client
    return snapshot(RECORD, "", data, moment=moment, individual=individual.object, other=client)


def give_signed(agreement: Agreement, individual: Kept, body: Values, writer: Writer) -> tuple[Kept, Kept]:
    """Keep a record and its signature, which a draft prepared; raise `BadInput` when they are not as it had them."""
    record, given = body["consentRecord"], body["signature"]
    if record["dataAgreementRevisionHash"] != agreement.hash:
        raise BadInput(what=said("another revision of the agreement is asked now; make a new draft"))
    text = _unkept(agreement, individual, _moment_of(given["verificationPayload"]), opt_in=record.get("optIn", True))
    if given["verificationPayload"] != text:
        raise BadInput(what=said("verificationPayload is not what a draft of this record has"))
    signature = signatures.prepared(given, text, "", given["timestamp"])
    if given["payload"] not in ("", payload(signature)):
        raise BadInput(what=said("the payload is not made of the other fields of the signature"))
    if given["signature"]:
        signature = signatures.signed(signature, given["signature"])
    kept = give(agreement, individual, writer, opt_in=record.get("optIn", True), text=text)
    signature["objectReference"] = str(kept.row.id)
    return kept, _signature_kept(kept, signature, writer)


def _moment_of(text: str) -> str:
    """Return when the draft was made that *text* is the snapshot of."""
    try:
        moment = str(json.loads(text)["timestamp"])
        age = clock.now() - datetime.fromisoformat(moment)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadInput(what=said("verificationPayload is not the snapshot of a draft")) from error
    if not -AHEAD <= age <= OLDEST:
        raise BadInput(what=said("the draft is older than a day; make a new one"))
    return moment


def prepare(record: Kept, given: Values, writer: Writer) -> Kept:
    """Keep a signature of the record as it is, ready to be signed; raise `BadInput` when it is signed already."""
    before = signature_of(record)
    if before and before.data["signature"]:
        raise BadInput(what=said("this revision of the consent record is signed already"))
    text = record.facts["snapshot"]
    data = signatures.prepared(given, text, str(record.row.id), clock.now().isoformat())
    return _signature_kept(record, data, writer, before)


def sign(record: Kept, given: Values, writer: Writer) -> Kept:
    """Add the signature itself to the one that waits for it, once it verifies: from then on the record is signed."""
    before = signature_of(record)
    if before is None or before.data["signature"]:
        raise BadInput(
            what=said("no signature of the consent record as it is now waits to be signed; create one first")
        )
    if given["payload"] not in ("", before.data["payload"]):
        raise BadInput(what=said("the payload is not the one that waits to be signed"))
    kept = _signature_kept(record, signatures.signed(before.data, given["signature"]), writer, before)
    webhooks.tell(writer.client, "consentRecord.signed", record)
    return kept


def _signature_kept(record: Kept, data: Values, writer: Writer, before: Kept | None = None) -> Kept:
    content = {name: value for name, value in data.items() if name != "id"}
    individual = record.data["individual"]
    draft = Draft(SIGNATURE, content, person=record.person, individual=individual, refers=str(record.row.id))
    return revisions.keep(draft, writer, before.object if before else "")


def forget(individual: Kept, writer: Writer) -> None:
    """Empty every record of the individual under an agreement that is forgettable, with its signatures."""
    for record in held(individual):
        if agreements.of_record(record).data.get("forgettable"):
            for past in list(revisions.history(record.object)):
                for signature in revisions.referring(SIGNATURE, str(past.row.id)):
                    revisions.forget(signature.object)
            ended = revisions.keep(
                Draft(RECORD, None, person=record.person, individual=individual.object), writer, record.object
            )
            revisions.forget(record.object)
            webhooks.tell(writer.client, "consentRecord.forgotten", ended)
