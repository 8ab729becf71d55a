"""What the definition of the consent API states of its objects holds: revisions, signatures, who is forgotten."""

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import IntegrityError, connections, transaction

from onedoor.privacy.consents import agreements, consent_records, objects, revisions
from onedoor.privacy.errors import NoSuchObject
from onedoor.privacy.models import Revision
from onedoor.privacy.tests.consent_api import (
    AGREEMENT,
    FATHER,
    HEALTH,
    INSURANCE,
    MOTHER,
    OF,
    POLICY,
    PURPOSE,
    agreement,
    ask,
    change,
    give,
    individual,
    policy,
    say,
    state,
)
from onedoor.store import details, erasure, ledger, resealing, rows
from onedoor.store.models import LedgerEntry

pytestmark = pytest.mark.django_db


def test_revisions_are_a_chain_that_anybody_can_recompute() -> None:
    first = policy()
    name = first["policy"]["id"]
    for version in ("2", "3", "3"):
        ask("PUT", f"/config/policy/{name}/", {"policy": {**POLICY, "version": version}})
    listed = ask("GET", f"/config/policy/{name}/revisions/")
    chain = listed["revisions"][::-1]
    assert listed["policy"]["version"] == "3"
    assert len(chain) == 3, "the same again is no revision"
    before = ""
    for one in chain:
        assert one["serializedHash"] == hashlib.sha256(one["serializedSnapshot"].encode()).hexdigest()
        assert one["predecessorHash"] == before
        before = one["serializedHash"]
        said = json.loads(one["serializedSnapshot"])
        assert json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False) == one["serializedSnapshot"]
        assert (said["objectId"], said["objectData"]["id"], said["timestamp"]) == (name, name, one["timestamp"])
    past = ask("GET", f"/config/policy/{name}/?revisionId={chain[0]['id']}")
    assert past["policy"]["version"] == "1"
    assert past["revision"]["successor"]["id"] == chain[1]["id"]
    found = ask("GET", f"/config/policies/?revisionId={chain[0]['id']}")["policies"]
    assert [one["version"] for one in found] == ["3"]


def test_the_database_refuses_to_change_or_remove_a_revision() -> None:
    policy()
    for statement in (
        lambda: Revision.objects.update(plain="{}"),
        lambda: Revision.objects.update(client=INSURANCE),
        lambda: Revision.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            statement()


def test_a_changed_policy_leaves_the_agreement_under_it_as_it_was_until_that_names_it_anew() -> None:
    under = policy()["policy"]
    name = agreement(policy=under)
    ask("PUT", f"/config/policy/{under['id']}/", {"policy": {**POLICY, "version": "2"}})
    assert ask("GET", f"/config/data-agreement/{name}/")["dataAgreement"]["policy"] == under
    assert change(name, policy=under, version="1.1")["dataAgreement"]["policy"]["version"] == "1"
    assert change(name, policy={"id": under["id"]})["dataAgreement"]["policy"]["version"] == "2"
    body = {"dataAgreement": {**AGREEMENT, "policy": {**under, "name": "Other"}}}
    ask("PUT", f"/config/data-agreement/{name}/", body, status=400)


def test_a_policy_in_use_by_an_active_agreement_cannot_be_deleted() -> None:
    under = policy()["policy"]
    name = agreement(policy=under)
    ask("DELETE", f"/config/policy/{under['id']}/", status=400)
    change(name, policy={"id": under["id"]}, active=False)
    last = ask("DELETE", f"/config/policy/{under['id']}/")["revision"]
    assert json.loads(last["serializedSnapshot"])["objectData"] is None
    ask("GET", f"/config/policy/{under['id']}/", status=404)
    ask("PUT", f"/config/policy/{under['id']}/", {"policy": POLICY}, status=404)


def test_a_consent_keeps_the_revision_it_was_given_to_until_it_is_given_anew() -> None:
    name, who = agreement(), individual()
    first = give(name, who)["consentRecord"]
    changed = change(name, purpose="To remind you, and to count")
    kept = ask("GET", f"/service/verification/consent-record/{first['id']}/")["consentRecord"]
    assert kept["dataAgreement"]["purpose"] == AGREEMENT["purpose"]
    assert kept["dataAgreementRevisionHash"] == first["dataAgreementRevisionHash"]
    assert kept["dataAgreementRevision"]["successor"]["id"] == changed["revision"]["id"]
    say(first, who, optIn=True, dataAgreementRevisionHash="0" * 64, status=400)
    again = give(name, who)["consentRecord"]
    assert (again["id"], again["dataAgreementRevisionHash"]) == (first["id"], changed["revision"]["serializedHash"])


def test_there_is_one_record_of_an_individual_and_an_agreement() -> None:
    name, who = agreement(), individual()
    first = give(name, who)
    assert give(name, who) == first
    record = say(first["consentRecord"], who, optIn=False)["consentRecord"]
    assert (record["id"], record["optIn"]) == (first["consentRecord"]["id"], False)
    current = ask("GET", f"{OF}/data-agreement/{name}/", individual=who)["consentRecord"]
    assert current == record
    past = ask("GET", f"{OF}/data-agreement/{name}/all/", individual=who)["consentRecords"]
    assert [one["optIn"] for one in past] == [False, True]
    assert individual() == who, "an individual is one of a system, whoever asks"
    ask("DELETE", f"/config/data-agreement/{name}/", status=400)
    stranger = individual(FATHER)
    say(record, stranger, status=404)
    say(record, who, individual={"id": stranger}, status=400)
    ask("GET", f"{OF}/data-agreement/{name}/", status=400)
    ask("GET", f"{OF}/data-agreement/{name}/", individual=stranger, status=404)


@pytest.mark.django_db(transaction=True)
def test_who_asks_at_the_same_time_makes_one_individual_and_one_record() -> None:
    name = agreement()

    def at_once(_: int) -> tuple[str, str]:
        try:
            who = individual()
            return who, give(name, who)["consentRecord"]["id"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as many:
        assert len(set(many.map(at_once, range(8)))) == 1
    assert Revision.objects.filter(schema="ConsentRecord").count() == 1


def test_nobody_agrees_to_what_is_not_active_and_anybody_may_withdraw() -> None:
    name, who = agreement(), individual()
    record = give(name, who)["consentRecord"]
    changed = change(name, active=False)
    give(name, individual(FATHER), status=400)
    assert say(record, who, optIn=False)["consentRecord"]["optIn"] is False
    say(record, who, optIn=True, status=400)
    other = f"{OF}/data-agreement/{agreement()}/?individualId={who}&revisionId={changed['revision']['id']}"
    ask("POST", other, status=400)


def test_a_draft_is_kept_nowhere() -> None:
    name, who = agreement(), individual()
    before = Revision.objects.count()
    draft = ask("POST", f"{OF}/consent-record/draft/?individualId={who}&dataAgreementId={name}")
    assert Revision.objects.count() == before
    assert (draft["consentRecord"]["id"], draft["signature"]["id"]) == ("", "")
    ask("POST", f"{OF}/consent-record/draft/?individualId={who}", status=400)


LEFT_OUT = {"id", "payload", "signature", "verificationSignedAs", "objectReference"}
"""Fields of a signature that are not signed, on a draft."""


def keys_of(method: str) -> Any:
    return ed25519.Ed25519PrivateKey.generate() if method == "Ed25519" else ec.generate_private_key(ec.SECP256R1())


def public(key: Any) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def signed(key: Any, text: str) -> str:
    extra = () if isinstance(key, ed25519.Ed25519PrivateKey) else (ec.ECDSA(SHA256()),)
    return base64.b64encode(key.sign(text.encode(), *extra)).decode()


def signed_draft(agreed: str, who: str, key: Any) -> dict[str, Any]:
    """Return a draft of a record with the signature of *key* (Ed25519), to be kept."""
    draft = ask("POST", f"{OF}/consent-record/draft/?individualId={who}&dataAgreementId={agreed}")
    signature = {**draft["signature"], "verificationMethod": "Ed25519", "verificationSignedBy": public(key)}
    fields = {one: value for one, value in signature.items() if one not in LEFT_OUT}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    signature |= {"payload": text, "signature": signed(key, text)}
    return {"consentRecord": draft["consentRecord"], "signature": signature}


def test_what_is_signed_on_a_draft_is_kept_with_its_signature_and_verifies() -> None:
    name, key = agreement(), keys_of("Ed25519")
    body = signed_draft(name, individual(), key)
    signature = body["signature"]
    text = signature["payload"]
    for wrong in (
        {"signature": signed(keys_of("Ed25519"), text)},
        {"verificationPayload": signature["verificationPayload"].replace("true", "false")},
        {"payload": "{}"}, {"verificationMethod": "none"}, {"verificationJwsHeader": "e30"},
    ):  # fmt: skip
        ask("POST", f"{OF}/consent-record/", {**body, "signature": {**signature, **wrong}}, status=400)
    kept = ask("POST", f"{OF}/consent-record/", body)
    assert kept["consentRecord"]["state"] == "signed"
    assert kept["signature"]["objectReference"] == kept["revision"]["id"]
    assert kept["revision"]["serializedSnapshot"] == signature["verificationPayload"]
    assert kept["revision"]["signedWithoutObjectId"] is True
    assert kept["revision"]["serializedHash"] == signature["verificationPayloadHash"]
    change(name, purpose="Other")
    ask("POST", f"{OF}/consent-record/", body, status=400)


@pytest.mark.parametrize("method", ["Ed25519", "ECDSA-P256-SHA256"])
def test_a_changed_record_is_signed_no_more(method: str) -> None:
    name, who, key = agreement(), individual(), keys_of(method)
    record = give(name, who)["consentRecord"]
    path = f"{OF}/consent-record/{record['id']}/signature/"
    blank = {"id": "", "payload": "", "signature": "", "verificationPayload": "", "timestamp": ""}
    asked = {"signature": {**blank, "verificationMethod": method, "verificationSignedBy": public(key)}}
    ask("PUT", path, asked, individual=who, status=400)
    waiting = ask("POST", path, asked, individual=who)["signature"]
    assert state(record["id"]) == "unsigned"
    wrong = {**waiting, "signature": signed(keys_of(method), waiting["payload"])}
    ask("PUT", path, {"signature": wrong}, individual=who, status=400)
    right = {**waiting, "signature": signed(key, waiting["payload"])}
    added = ask("PUT", path, {"signature": right}, individual=who)["signature"]
    assert state(record["id"]) == "signed"
    ask("POST", path, asked, individual=who, status=400)
    changed = say(record, who, optIn=False)
    assert (changed["consentRecord"]["state"], state(record["id"])) == ("unsigned", "unsigned")
    assert changed["revision"]["predecessorSignature"] == added["signature"]


def test_who_asks_to_be_forgotten_is_under_forgettable_agreements() -> None:
    who, lasting, passing = individual(), agreement(), agreement(forgettable=True)
    kept, gone = give(lasting, who)["consentRecord"], give(passing, who)["consentRecord"]
    ask("DELETE", f"{OF}/", individual=who)
    left = ask("GET", f"{OF}/consent-record/", individual=who)["consentRecords"]
    assert [one["id"] for one in left] == [kept["id"]]
    ask("GET", f"/service/verification/consent-record/{gone['id']}/", status=404)
    assert not any(bytes(one.sealed) or one.person for one in Revision.objects.filter(object=gone["id"]))
    assert {one.what for one in details.findings() if one.kind == revisions.LEDGER_KIND} == {details.AMENDED}
    assert give(passing, who)["consentRecord"]["id"] != gone["id"]


def test_what_a_superuser_empties_is_found() -> None:
    record = give(agreement(), individual())["consentRecord"]
    rows.run(revisions.FORGET, [record["id"]])
    assert {one.what for one in details.findings()} == {details.ALTERED}


def test_nobody_agrees_to_or_changes_what_was_removed_meanwhile() -> None:
    name, writer = agreement(), revisions.Writer(HEALTH)
    found = agreements.find(name, HEALTH)
    who = revisions.one(revisions.INDIVIDUAL, individual(), HEALTH)
    objects.remove(objects.AGREEMENTS, name, writer)
    with pytest.raises(NoSuchObject):
        consent_records.give(found, who, writer)
    with pytest.raises(NoSuchObject):
        revisions.keep(revisions.Draft(revisions.AGREEMENT, found.data), writer, name)
    assert not Revision.objects.filter(schema=revisions.RECORD).exists()


def test_each_revision_is_entered_into_the_ledger_with_whom_it_is_about_and_tells_of_nobody() -> None:
    who = individual()
    record = give(agreement(), who)["consentRecord"]
    say(record, who, optIn=False)
    found = list(Revision.objects.filter(object=record["id"]).order_by("number"))
    entries = LedgerEntry.objects.filter(kind=revisions.LEDGER_KIND)
    assert set(Revision.objects.values_list("entry", flat=True)) == set(entries.values_list("id", flat=True))
    opened = revisions.opened(found[0])
    assert found[0].digest == hashlib.sha256((opened.facts["salt"] + opened.facts["snapshot"]).encode()).hexdigest()
    for one in found:
        told = details.of(revisions.LEDGER_KIND, one.entry) or b""
        assert bytes(entries.get(id=one.entry).commitment) == hashlib.sha256(told).digest()
        assert who.encode() not in told
    assert ledger.integrate() == LedgerEntry.objects.count()
    about = Revision.objects.exclude(person=None)
    point = transaction.savepoint()
    assert about.update(person=None) == len([one for one in details.findings() if one.what == details.ALTERED]) == 3
    transaction.savepoint_rollback(point)
    assert not list(details.findings())


def test_what_is_about_a_person_stands_sealed() -> None:
    who = individual()
    give(agreement(), who)
    for row in Revision.objects.exclude(schema="DataAgreement"):
        assert not row.plain
        assert MOTHER.encode() not in bytes(row.sealed)
    assert who not in "".join(Revision.objects.values_list("plain", flat=True))


@pytest.mark.django_db(transaction=True)
def test_keys_are_rotated_under_what_systems_keep_and_who_was_erased_is_no_individual(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resealing, "GRACE", timedelta(0))
    who = individual()
    record = give(agreement(), who)["consentRecord"]
    assert resealing.rotate_persons([MOTHER]).envelopes >= 2
    assert ask("GET", f"/service/individual/{who}/")["individual"]["externalId"] == MOTHER
    erasure.erase(MOTHER)
    ask("GET", f"/service/individual/{who}/", status=404)
    ask("GET", f"/service/verification/consent-record/{record['id']}/", status=404)
    assert ask("GET", "/service/verification/consent-records/")["consentRecords"] == []
    assert {one.what for one in details.findings() if one.kind == revisions.LEDGER_KIND} == {details.AMENDED}


def test_lists_come_in_pages_within_bounds() -> None:
    names = [policy(name=str(number))["policy"]["id"] for number in range(3)]
    paged = [ask("GET", f"/config/policies/?offset={at}&limit=2")["policies"] for at in (0, 2, 4)]
    assert [[one["id"] for one in page] for page in paged] == [names[:2], names[2:], []]
    own = agreement()
    for path, key in (("/config/data-agreements/", "dataAgreement"), ("/service/verification/data-agreements/", "")):
        pages = [ask("GET", f"{path}?offset={at}&limit=1")[key or "dataAgreements"][0]["id"] for at in (0, 1)]
        assert pages == [PURPOSE, own]
    for bad in ("limit=0", "limit=101", "offset=-1", "offset=x", "limit=²"):
        ask("GET", f"/config/policies/?{bad}", status=400)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/config/policy/", []), ("/config/policy/", {}), ("/config/policy/", {"policy": {**POLICY, "name": "a\0"}}),
        ("/config/policy/", {"policy": {**POLICY, "colour": "blue"}}),
        ("/config/data-agreement/", {"dataAgreement": {**AGREEMENT, "lawfulBasis": "habit"}}),
        ("/config/data-agreement/", {"dataAgreement": {**AGREEMENT, "dataUse": "habit"}}),
        ("/config/data-agreement/", {"dataAgreement": {**AGREEMENT, "lifecycle": {"id": "1", "name": "habit"}}}),
        ("/config/individual/", {"individual": {"id": "", "externalId": "1", "externalIdType": "personal-number"}}),
        ("/config/individual/", {"individual": {"id": "", "externalId": MOTHER, "externalIdType": "email"}}),
    ],
)  # fmt: skip
def test_what_has_not_the_right_form_is_refused(path: str, body: object) -> None:
    ask("POST", path, body, status=400)
    assert not Revision.objects.exists()


def test_an_individual_stays_the_same_person() -> None:
    who = individual()
    other = {"id": who, "externalId": FATHER, "externalIdType": "personal-number"}
    ask("PUT", f"/service/individual/{who}/", {"individual": other}, status=400)
    named = {**other, "externalId": MOTHER, "identityProviderId": "vneid"}
    assert ask("PUT", f"/service/individual/{who}/", {"individual": named})["individual"] == named
    ask("PUT", f"/service/individual/{who}/", {"individual": {**named, "id": "other"}}, status=400)
    assert ask("GET", "/config/individuals/")["individuals"] == [named]
