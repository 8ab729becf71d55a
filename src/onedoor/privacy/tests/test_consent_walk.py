"""Every operation of the consent API's definition answers 200 to what a system does with it, as the definition says."""

from collections.abc import Mapping
from typing import Any

import pytest

from onedoor.privacy.tests import consent_api
from onedoor.privacy.tests.consent_api import (
    AGREEMENT,
    AUDITOR,
    DEFINITION,
    FATHER,
    MOTHER,
    OF,
    POLICY,
    ask,
    individual,
)
from onedoor.privacy.tests.test_consent_objects import keys_of, public, signed, signed_draft
from onedoor.privacy.tests.test_webhooks import allow, hook

pytestmark = pytest.mark.django_db
Did = set[tuple[str, str]]


@pytest.fixture
def did(monkeypatch: pytest.MonkeyPatch) -> Did:
    """Give the operations that answered 200, each with an answer that the definition's validator took."""
    found: Did = set()
    template_of = consent_api.template_of

    def noted(path: str, method: str) -> Any:
        found.add((method, template_of(path)))
        return consent_api.SPECIFICATION[template_of(path)][method]

    monkeypatch.setattr(consent_api, "operation_of", noted)
    return found


def configured() -> tuple[str, str]:
    """Set up a policy, an agreement under it, a webhook; return the ids of the first two."""
    policy = ask("POST", "/config/policy/", {"policy": POLICY})["policy"]["id"]
    ask("PUT", f"/config/policy/{policy}/", {"policy": {**POLICY, "version": "2"}})
    history = ask("GET", f"/config/policy/{policy}/revisions/")["revisions"]
    assert len(history) == 2
    first = ask("GET", f"/config/policy/{policy}/?revisionId={history[-1]['id']}")["policy"]
    assert (first["version"], ask("GET", f"/service/policy/{policy}/")["policy"]["version"]) == ("1", "2")
    assert [one["id"] for one in ask("GET", "/config/policies/")["policies"]] == [policy]
    asked = {**AGREEMENT, "policy": {**POLICY, "id": policy}, "forgettable": True}
    agreement = ask("POST", "/config/data-agreement/", {"dataAgreement": asked})["dataAgreement"]["id"]
    path = f"/config/data-agreement/{agreement}/"
    ask("PUT", path, {"dataAgreement": {**asked, "version": "2"}})
    for told in (path, f"/service/data-agreement/{agreement}/"):
        assert ask("GET", told)["dataAgreement"]["version"] == "2"
    assert agreement in [one["id"] for one in ask("GET", "/config/data-agreements/")["dataAgreement"]]
    made = hook("https://hooks.example/")
    ask("PUT", f"/config/webhook/{made['id']}/", {"webhook": {**made, "disabled": True}})
    assert ask("GET", f"/config/webhook/{made['id']}/")["webhook"]["disabled"] is True
    assert [one["id"] for one in ask("GET", "/config/webhooks/")["webhooks"]] == [made["id"]]
    ask("DELETE", f"/config/webhook/{made['id']}/")
    assert ask("GET", "/config/webhooks/")["webhooks"] == []
    return policy, agreement


def people() -> tuple[str, str]:
    """Keep two individuals, one by each door; return their ids."""
    told: Mapping[str, object] = {"id": "", "externalId": FATHER, "externalIdType": "personal-number"}
    father = ask("POST", "/config/individual/", {"individual": told})["individual"]["id"]
    mother = individual(MOTHER)
    ask("PUT", f"/service/individual/{mother}/", {"individual": {**told, "externalId": MOTHER}})
    for door in ("config", "service"):
        assert ask("GET", f"/{door}/individual/{mother}/")["individual"]["externalId"] == MOTHER
        assert {one["id"] for one in ask("GET", f"/{door}/individuals/")["individuals"]} == {mother, father}
    return mother, father


def test_every_operation_is_walked_from_a_policy_to_what_is_forgotten(
    did: Did, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, "hooks.example")
    policy, agreement = configured()
    mother, father = people()
    at = f"{OF}/data-agreement/{agreement}/"

    record = ask("POST", f"{at}?individualId={mother}")["consentRecord"]
    assert ask("GET", at, individual=mother)["consentRecord"]["id"] == record["id"]
    withdrawn = {"consentRecord": {**record, "optIn": False}}
    ask("PUT", f"{OF}/consent-record/{record['id']}/", withdrawn, individual=mother)
    history = ask("GET", f"{at}all/", individual=mother)["consentRecords"]
    assert [one["optIn"] for one in history] == [False, True]

    key, path = keys_of("Ed25519"), f"{OF}/consent-record/{record['id']}/signature/"
    blank = {"id": "", "payload": "", "signature": "", "verificationPayload": "", "timestamp": ""}
    prepared = {**blank, "verificationMethod": "Ed25519", "verificationSignedBy": public(key)}
    waiting = ask("POST", path, {"signature": prepared}, individual=mother)["signature"]
    ask("PUT", path, {"signature": {**waiting, "signature": signed(key, waiting["payload"])}}, individual=mother)

    ask("POST", f"{OF}/consent-record/", signed_draft(agreement, father, key))
    (his,) = ask("GET", f"{OF}/consent-record/", individual=father)["consentRecords"]
    assert (his["state"], his["optIn"]) == ("signed", True)

    for door, by in (("service/verification", consent_api.HEALTH), ("audit", AUDITOR)):
        listed = ask("GET", f"/{door}/consent-records/", by=by)["consentRecords"]
        assert {one["id"] for one in listed} == {record["id"], his["id"]}
        assert ask("GET", f"/{door}/consent-record/{record['id']}/", by=by)["consentRecord"]["optIn"] is False
        agreed = ask("GET", f"/{door}/data-agreements/", by=by)["dataAgreements"]
        assert agreement in [one["id"] for one in agreed]
    assert ask("GET", f"/audit/data-agreement/{agreement}/", by=AUDITOR)["dataAgreement"]["id"] == agreement

    for one in (mother, father):
        ask("DELETE", f"{OF}/", individual=one)
    assert ask("GET", "/audit/consent-records/", by=AUDITOR)["consentRecords"] == []
    ask("DELETE", f"/config/data-agreement/{agreement}/")
    ask("DELETE", f"/config/policy/{policy}/")
    defined = {(method.upper(), path) for path, item in DEFINITION["paths"].items() for method in item}
    assert len(defined) == 42
    assert did == defined
