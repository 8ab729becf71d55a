"""The GovStack consent API: its description against the definition, who may ask, the nation’s own consents in it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
import requests
from django.test import Client
from schemathesis.core.transport import Response
from structlog.testing import capture_logs

from onedoor.kernel.actor import Actor
from onedoor.privacy import own, service
from onedoor.privacy.consents import decisions, govstack, national
from onedoor.privacy.models import Consent, ReadRecord
from onedoor.privacy.service import NotPermitted, Reader
from onedoor.privacy.tests.consent_api import (
    AGREEMENT,
    AUDITOR,
    CIVIL,
    DEFINITION,
    FATHER,
    HEALTH,
    INSURANCE,
    MOTHER,
    OF,
    POLICY,
    PURPOSE,
    SPECIFICATION,
    agreement,
    ask,
    give,
    individual,
    say,
)
from onedoor.store import details, ledger

pytestmark = pytest.mark.django_db


def test_the_description_has_every_operation_parameter_and_answer_of_the_definition() -> None:
    ours = govstack.document()["paths"]
    assert set(ours) == set(DEFINITION["paths"])
    for path, item in DEFINITION["paths"].items():
        assert set(ours[path]) == set(item)
        for method, told in item.items():
            own = ours[path][method]
            assert own["operationId"] == told["operationId"]
            named = {(one["in"], one["name"], one["required"]) for one in own["parameters"]}
            assert {(one["in"], one["name"], one["required"]) for one in told["parameters"]} <= named
            assert set(told["responses"]) <= set(own["responses"])
            assert ("requestBody" in own) == ("requestBody" in told)
            for answer in (one for one in told["responses"] if "content" in told["responses"][one]):
                properties = schema_of(told["responses"][answer])["properties"]
                assert set(properties) <= set(schema_of(own["responses"][answer])["properties"]), path
            if "requestBody" in told:
                assert set(schema_of(told["requestBody"])["properties"]) == set(
                    schema_of(own["requestBody"])["properties"]
                )


def test_the_description_leaves_out_of_a_schema_what_is_not_told_alone() -> None:
    ours, left = govstack.document()["components"]["schemas"], {}
    for name, schema in ours.items():
        defined = DEFINITION["components"]["schemas"][name]
        assert set(defined["required"]) <= set(schema["required"])
        left[name] = set(defined["properties"]) - set(schema["properties"])
    assert {name: names for name, names in left.items() if names} == {
        "DataAgreement": {"compatibleWithVersion", "signature"}, "DataAgreementAttribute": {"dataAgreement"},
    }  # fmt: skip


def schema_of(part: Mapping[str, Any]) -> Any:
    return part["content"]["application/json"]["schema"]


def test_the_validator_finds_what_the_definition_does_not_say() -> None:
    sent = requests.Request("GET", "https://localhost/").prepare()
    wrong = json.dumps({"policy": 1}).encode()
    received = Response(200, {"content-type": ["application/json"]}, wrong, sent, elapsed=0, verify=False)
    with pytest.raises(Exception, match="is not of type"):
        SPECIFICATION["/config/policy/{policyId}/"]["GET"].validate_response(received)


def test_a_right_to_ask_is_none_to_configure_to_write_or_to_audit() -> None:
    ask("GET", "/service/verification/data-agreements/", by=CIVIL)
    who = individual()
    for method, path, body in (
        ("GET", "/config/policies/", None),
        ("POST", "/config/policy/", {"policy": POLICY}),
        ("POST", f"{OF}/data-agreement/{PURPOSE}/?individualId={who}", None),
        ("GET", "/audit/consent-records/", None),
    ):
        ask(method, path, body, by=CIVIL, status=403)
    ask("GET", "/service/individuals/", by=AUDITOR, status=403)
    assert set(ReadRecord.objects.exclude(refused="").values_list("register", flat=True)) == {"consent"}


def test_another_system_neither_sees_nor_changes_an_object_and_the_auditor_sees_all() -> None:
    name, who = agreement(), individual()
    record = give(name, who)["consentRecord"]
    ask("GET", f"/config/data-agreement/{name}/", by=INSURANCE, status=404)
    ask("DELETE", f"/config/data-agreement/{name}/", by=INSURANCE, status=404)
    ask("GET", f"/service/individual/{who}/", by=INSURANCE, status=404)
    ask("GET", f"/service/verification/consent-record/{record['id']}/", by=INSURANCE, status=404)
    give(name, individual(by=INSURANCE), by=INSURANCE, status=404)
    assert individual(by=INSURANCE) != who
    assert ask("GET", "/service/verification/consent-records/", by=INSURANCE)["consentRecords"] == []
    (seen,) = ask("GET", "/audit/consent-records/", by=AUDITOR)["consentRecords"]
    assert seen["id"] == record["id"]
    assert ask("GET", f"/audit/consent-record/{record['id']}/", by=AUDITOR)["consentRecord"] == seen
    assert ask("GET", f"/audit/data-agreement/{name}/", by=AUDITOR)["dataAgreement"]["id"] == name
    assert len(ask("GET", "/audit/data-agreements/", by=AUDITOR)["dataAgreements"]) == 2
    assert MOTHER not in json.dumps(seen)


def test_reads_and_writes_of_a_person_are_recorded_and_shown_to_them() -> None:
    who = individual()
    give(agreement(), who)
    ask("GET", "/service/verification/consent-records/")
    ask("GET", f"/service/individual/{who}/")
    ask("POST", f"{OF}/consent-record/draft/?individualId={who}&dataAgreementId={agreement()}")
    found = ReadRecord.objects.filter(register="consent").order_by("id")
    assert [(one.operation, one.persons.count()) for one in found] == [
        ("write", 1), ("write", 1), ("read", 1), ("read", 1), ("read", 1)
    ]  # fmt: skip


def offer() -> Any:
    return ask("GET", f"/service/data-agreement/{PURPOSE}/")


READER = Reader("VN/GOV/G22/PORTAL", "account-1", PURPOSE, "l91-2025")


def test_a_consent_of_the_nation_is_an_agreement_that_its_files_alone_change() -> None:
    found = offer()
    told, revision = found["dataAgreement"], found["revision"]
    assert (told["version"], told["lawfulBasis"], told["active"]) == ("1", "consent", True)
    assert told["controller"]["id"] == "VN/GOV/G22/PORTAL"
    assert told["policy"]["url"].endswith(f"/vi/consents#{PURPOSE}")
    assert revision["serializedHash"] == hashlib.sha256(revision["serializedSnapshot"].encode()).hexdigest()
    assert ask("GET", f"/service/policy/{PURPOSE}/")["policy"] == told["policy"]
    ask("PUT", f"/config/data-agreement/{PURPOSE}/", {"dataAgreement": AGREEMENT}, status=400)
    ask("DELETE", f"/config/data-agreement/{PURPOSE}/", status=400)
    ask("DELETE", f"/config/policy/{PURPOSE}/", status=400)


def test_a_consent_of_the_nation_that_a_system_brings_opens_the_gate_and_closes_it() -> None:
    who = individual()
    record = give(PURPOSE, who)["consentRecord"]
    assert record["dataAgreementRevisionHash"] == offer()["revision"]["serializedHash"]
    assert service.permit(READER, register="birth-notices", persons=[MOTHER]).record
    assert Consent.objects.get().by == HEALTH
    say(record, who, optIn=False)
    with pytest.raises(NotPermitted):
        service.permit(READER, register="birth-notices", persons=[MOTHER])
    past = ask("GET", f"{OF}/data-agreement/{PURPOSE}/all/", individual=who)["consentRecords"]
    assert [(one["id"], one["optIn"]) for one in past] == [(record["id"], False), (record["id"], True)]
    read = ask("GET", f"/service/verification/consent-record/{record['id']}/")
    assert read["revision"]["predecessorHash"] == hashlib.sha256(_first_snapshot(record["id"]).encode()).hexdigest()


def _first_snapshot(name: str) -> str:
    said = national.said_by_id(name)
    assert said
    return str(next(said.told())[1]["serializedSnapshot"])


def test_only_a_right_that_says_so_and_a_part_in_it_bring_a_consent_of_the_nation() -> None:
    who = individual(by=INSURANCE)
    give(PURPOSE, who, by=INSURANCE, status=403)
    assert not Consent.objects.exists()
    assert ReadRecord.objects.filter(refused="not-granted", client=INSURANCE).exists()


def test_what_a_person_said_at_the_portal_is_told_to_who_takes_part_about_individuals_of_theirs() -> None:
    row = decisions.decide(MOTHER, PURPOSE, 1, given=True, by=Actor(person="account-1"))
    ask("GET", f"/service/verification/consent-record/{row.id}/", status=404)
    assert ask("GET", "/service/verification/consent-records/")["consentRecords"] == []
    who, other = individual(), individual(by=INSURANCE)
    (told,) = ask("GET", "/service/verification/consent-records/")["consentRecords"]
    assert (told["id"], told["individual"], told["optIn"]) == (str(row.id), {"id": who}, True)
    assert ask("GET", f"{OF}/data-agreement/{PURPOSE}/", individual=who)["consentRecord"] == told
    assert ask("GET", f"{OF}/consent-record/", individual=who)["consentRecords"] == [told]
    assert ask("GET", "/service/verification/consent-records/", by=INSURANCE)["consentRecords"] == []
    ask("GET", f"{OF}/data-agreement/{PURPOSE}/", individual=other, by=INSURANCE, status=404)
    (seen,) = ask("GET", "/audit/consent-records/", by=AUDITOR)["consentRecords"]
    assert seen["id"] == told["id"]
    assert "individual" not in seen
    shown = own.reads_of_person(MOTHER, own.Wanted())[0]
    assert (shown.by_agency, shown.register, shown.operation) == ("G01", "consent", "read"), "an audit is a read"
    ledger.integrate()
    assert not [one for one in details.findings() if one.kind == "privacy.read"]
    say(told, who, optIn=True, dataAgreementRevisionHash="0", status=400)
    say(told, individual(FATHER), optIn=False, status=404)
    ask("POST", f"{OF}/consent-record/draft/?individualId={who}&dataAgreementId={PURPOSE}", status=400)


@pytest.mark.parametrize("language", ["vi", "en", "fr"])
def test_the_person_sees_by_whom_a_consent_was_brought(language: str) -> None:
    give(PURPOSE, individual())
    mother = Client()
    mother.post("/en/sign-in", {"persona": "mother"})
    shown = mother.get(f"/{language}/consents").content.decode()
    said = {"vi": "do Bộ Y tế", "en": "brought by Ministry of Health", "fr": "apporté par : Ministère de la Santé"}
    assert said[language] in shown


def test_a_personal_number_stands_in_no_log(capsys: pytest.CaptureFixture[str]) -> None:
    with capture_logs() as logs:
        give(PURPOSE, individual())
    told = capsys.readouterr()
    assert MOTHER not in "".join([repr(logs), told.out, told.err])
