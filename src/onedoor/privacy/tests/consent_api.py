"""The consent API asked as another system does, each answer held against the definition itself."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
import schemathesis
import yaml
from django.test import Client
from schemathesis.core.transport import Response

from onedoor.exchange.service import VIA_GATEWAY

DEFINITION = yaml.safe_load((Path(__file__).parent / "govstack-consent-1.1.0-rc1.yaml").read_text("utf-8"))
SPECIFICATION = schemathesis.openapi.from_dict(DEFINITION)
MOTHER, FATHER, PURPOSE = "001196204817", "036094117302", "birth-suggestion"
HEALTH, INSURANCE, CIVIL, AUDITOR = (
    "VN/GOV/G18/HEALTH", "VN/GOV/G24/INSURANCE", "VN/GOV/G15/CIVIL-STATUS", "VN/GOV/G01/POPULATION",
)  # fmt: skip
POLICY = {"id": "", "name": "Care", "version": "1", "url": "https://care.example/1", "dataRetentionPeriodDays": 30}
AGREEMENT = {
    "id": "", "version": "1", "purpose": "To remind you of vaccinations", "lawfulBasis": "consent", "dpia": "none",
    "active": True, "controller": {"id": "G18", "name": "Health", "url": "https://health.example"},
    "lifecycle": {"id": "1", "name": "Complete"},
    "attributes": [{"id": "1", "name": "telephone", "sensitivity": "personal", "category": "contact"}],
}  # fmt: skip
OF = "/service/individual/record"


def template_of(path: str) -> str:
    """Return the path of the definition that *path* is an address of."""
    fitting = [
        one for one in DEFINITION["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), path.partition("?")[0])
    ]
    return min(fitting, key=lambda one: one.count("{"))


def operation_of(path: str, method: str) -> Any:
    """Return the operation of the definition by which an answer is judged."""
    return SPECIFICATION[template_of(path)][method]


def ask(
    method: str, path: str, body: object = None, *, by: str = HEALTH, individual: str = "", status: int = 200
) -> Any:
    """Ask as another system does, hold the answer against the definition, and return its body."""
    headers: dict[str, Any] = {
        "HTTP_X_ROAD_CLIENT": by, "HTTP_X_ROAD_USERID": "consents", "HTTP_ONEDOOR_PURPOSE": "consent-api",
        "HTTP_ONEDOOR_BASIS": "l91-2025", "HTTP_ACCEPT_LANGUAGE": "en", VIA_GATEWAY: True,
    }  # fmt: skip
    if individual:
        headers["HTTP_X_CONSENTBB_INDIVIDUALID"] = individual
    content = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    answer = Client().generic(method, f"/exchange/consent{path}", **content, **headers)
    assert answer.status_code == status, answer.content
    if status == 200:
        sent = requests.Request(method, "https://localhost/").prepare()
        named = {name: [value] for name, value in answer.headers.items()}
        received = Response(status, named, answer.content, sent, elapsed=0, verify=False)
        operation_of(path, method).validate_response(received)
    return json.loads(answer.content) if answer.content else None


def policy(**changes: object) -> Any:
    return ask("POST", "/config/policy/", {"policy": {**POLICY, **changes}})


def agreement(by: str = HEALTH, **changes: object) -> Any:
    return ask("POST", "/config/data-agreement/", {"dataAgreement": {**AGREEMENT, **changes}}, by=by)["dataAgreement"][
        "id"
    ]


def change(name: str, **changes: object) -> Any:
    return ask("PUT", f"/config/data-agreement/{name}/", {"dataAgreement": {**AGREEMENT, **changes}})


def individual(number: str = MOTHER, by: str = HEALTH) -> str:
    body = {"individual": {"id": "", "externalId": number, "externalIdType": "personal-number"}}
    return str(ask("POST", "/service/individual/", body, by=by)["individual"]["id"])


def give(agreed: str, who: str, by: str = HEALTH, status: int = 200) -> Any:
    return ask("POST", f"{OF}/data-agreement/{agreed}/?individualId={who}", by=by, status=status)


def say(record: Mapping[str, Any], who: str, status: int = 200, by: str = HEALTH, **changes: object) -> Any:
    body = {"consentRecord": {**record, **changes}}
    return ask("PUT", f"{OF}/consent-record/{record['id']}/", body, individual=who, status=status, by=by)


def state(name: str) -> str:
    return str(ask("GET", f"/service/verification/consent-record/{name}/")["consentRecord"]["state"])
