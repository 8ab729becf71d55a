"""The OpenAPI document of the GovStack consent API 1.1.0-rc1, as this system answers it, and what a body may hold."""

from collections.abc import Mapping
from typing import Any

from onedoor.kernel.openapi import body, problems
from onedoor.kernel.text import gettext_noop

VERSION = "1.1.0-rc1"
MOST_ON_A_PAGE, ON_A_PAGE, FARTHEST = 100, 50, 10**6
INDIVIDUAL_HEADER = "X-ConsentBB-IndividualId"
"""The header in which the id of an individual comes; the definition names none, its reference software this one."""
Part = dict[str, Any]


def _text(most: int = 400, least: int = 0) -> Part:
    return {"type": "string", "minLength": least, "maxLength": most}


def _object(required: tuple[str, ...], **properties: Part) -> Part:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


NAME, FLAG, LONG = _text(80), {"type": "boolean"}, _text(8000)
REFERENCE: Part = {"type": "object", "properties": {"id": NAME}}
"""An object that is named by its id; the rest of it is not taken from here."""
POLICY = _object(
    ("name", "version", "url"),
    id=NAME,
    name=_text(least=1),
    version=_text(80, 1),
    url=_text(least=1),
    jurisdiction=_text(),
    industrySector=_text(),
    dataRetentionPeriodDays={"type": "integer", "minimum": 0, "maximum": 10**6},
    geographicRestriction=_text(),
    storageLocation=_text(),
)
ATTRIBUTE = _object(
    ("id", "name", "sensitivity", "category"), id=NAME, name=_text(), sensitivity=_text(), category=_text()
)
AGREEMENT = _object(
    ("version", "purpose", "lawfulBasis", "dpia"),
    id=NAME,
    version=_text(80, 1),
    controller=_object(("id", "name", "url"), id=NAME, name=_text(), url=_text()),
    policy={**POLICY, "required": ["id"]},
    purpose=_text(4000, 1),
    lawfulBasis=_text(40),
    dataUse=_text(40),
    dpia=_text(4000),
    active=FLAG,
    forgettable=FLAG,
    lifecycle=_object(("id", "name"), id=NAME, name=_text(40)),
    attributes={"type": "array", "maxItems": 100, "items": ATTRIBUTE},
)
INDIVIDUAL = _object(
    ("externalId", "externalIdType"),
    id=NAME,
    externalId=_text(40, 1),
    externalIdType=_text(40),
    identityProviderId=_text(),
)
WEBHOOK = _object(
    ("payloadUrl", "contentType", "disabled", "secretKey"),
    id=NAME,
    payloadUrl=_text(),
    contentType=_text(80),
    disabled=FLAG,
    secretKey=_text(200),
)
RECORD: Part = {
    "type": "object",
    "required": ["dataAgreementRevisionHash"],
    "properties": {
        "id": NAME,
        "dataAgreement": REFERENCE,
        "dataAgreementRevisionHash": NAME,
        "individual": REFERENCE,
        "optIn": FLAG,
    },
}
SIGNATURE: Part = {
    "type": "object",
    "required": ["payload", "signature", "verificationPayload", "timestamp"],
    "properties": {
        "id": NAME,
        "payload": _text(40000),
        "signature": LONG,
        "verificationMethod": _text(40),
        "verificationPayload": LONG,
        "verificationPayloadHash": NAME,
        "verificationArtifact": LONG,
        "verificationSignedBy": _text(4000),
        "verificationSignedAs": _text(40),
        "verificationJwsHeader": LONG,
        "timestamp": _text(40),
        "signedWithoutObjectReference": FLAG,
        "objectType": _text(40),
        "objectReference": NAME,
    },
}
TAKEN: Mapping[str, Part] = {
    "policy": POLICY,
    "dataAgreement": AGREEMENT,
    "individual": INDIVIDUAL,
    "webhook": WEBHOOK,
    "consentRecord": RECORD,
    "signature": SIGNATURE,
}
"""What a body holds under each word."""


def taken(names: tuple[str, ...]) -> Part:
    """Return the JSON Schema of a body with these words."""
    return _object(names, **{name: TAKEN[name] for name in names})


def _shown(required: str, **properties: Part) -> Part:
    return {"type": "object", "required": required.split(), "properties": properties}


def _ref(name: str) -> Part:
    return {"$ref": f"#/components/schemas/{name}"}


_STRING: Part = {"type": "string"}


def _texts(names: str) -> dict[str, Part]:
    return dict.fromkeys(names.split(), _STRING)


SCHEMAS: Mapping[str, Part] = {
    "Individual": _shown("id", **_texts("id externalId externalIdType identityProviderId")),
    "Controller": _shown("id name url", **_texts("id name url")),
    "DataAgreementLifecycle": _shown("id name", **_texts("id name")),
    "DataAgreementAttribute": _shown("id name sensitivity category", **_texts("id name sensitivity category")),
    "Policy": _shown(
        "id name version url",
        **_texts("id name version url jurisdiction industrySector geographicRestriction storageLocation"),
        dataRetentionPeriodDays={"type": "integer"},
    ),
    "DataAgreement": _shown(
        "id version purpose lawfulBasis dpia",
        **_texts("id version purpose lawfulBasis dataUse dpia"),
        controller=_ref("Controller"),
        policy=_ref("Policy"),
        active=FLAG,
        forgettable=FLAG,
        lifecycle=_ref("DataAgreementLifecycle"),
        attributes={"type": "array", "items": _ref("DataAgreementAttribute")},
    ),
    "Revision": _shown(
        "id schemaName objectId serializedSnapshot serializedHash timestamp",
        **_texts("id schemaName objectId serializedSnapshot serializedHash timestamp authorizedByOther"),
        **_texts("predecessorHash predecessorSignature"),
        signedWithoutObjectId=FLAG,
        authorizedByIndividual=_ref("Individual"),
        successor=_ref("Revision"),
    ),
    "Signature": _shown(
        "id payload signature verificationMethod verificationPayload verificationPayloadHash verificationSignedBy"
        " timestamp",
        **_texts("id payload signature verificationMethod verificationPayload verificationPayloadHash"),
        **_texts("verificationArtifact verificationSignedBy verificationSignedAs verificationJwsHeader timestamp"),
        **_texts("objectType objectReference"),
        signedWithoutObjectReference=FLAG,
    ),
    "ConsentRecord": _shown(
        "id dataAgreementRevisionHash state",
        id=_STRING,
        dataAgreement=_ref("DataAgreement"),
        dataAgreementRevision=_ref("Revision"),
        dataAgreementRevisionHash=_STRING,
        individual=_ref("Individual"),
        optIn=FLAG,
        state={"enum": ["unsigned", "signed"]},
        signature=_ref("Signature"),
    ),
    "Webhook": _shown(
        "id payloadUrl contentType disabled secretKey",
        **_texts("id payloadUrl contentType secretKey"),
        disabled=FLAG,
    ),
}
ANSWERED: Mapping[str, Part] = {
    "policy": _ref("Policy"),
    "revision": _ref("Revision"),
    "dataAgreement": _ref("DataAgreement"),
    "individual": _ref("Individual"),
    "webhook": _ref("Webhook"),
    "consentRecord": _ref("ConsentRecord"),
    "signature": _ref("Signature"),
}
"""What an answer holds under each word; words with [] are lists, as are those in the plural."""
PLURALS = {
    "policies": "policy",
    "revisions": "revision",
    "dataAgreement[]": "dataAgreement",
    "dataAgreements": "dataAgreement",
    "individuals": "individual",
    "webhooks": "webhook",
    "consentRecords": "consentRecord",
}
ERRORS = problems(
    {
        400: "bad input parameter, or what a rule of consents does not allow",
        403: "the purpose does not allow it; the attempt was recorded",
        404: "the system that asks keeps no such object",
    }
)


def operation(told: Mapping[str, Any]) -> Part:
    """Return an operation of the document from its row in the table of `govstack`."""
    answers = {name.removesuffix("[]"): _answered(name) for name in told["answers"]}
    found: Part = {"description": told["summary"]}
    if answers:
        schema = {"type": "object", "required": list(answers), "properties": answers}
        found["content"] = {"application/json": {"schema": schema}}
    part: Part = {"operationId": told["name"], "summary": told["summary"], "parameters": told["parameters"]}
    if told["takes"]:
        part["requestBody"] = body(taken(told["takes"]))
    return {**part, "responses": {"200": found, **ERRORS}}


def _answered(name: str) -> Part:
    return {"type": "array", "items": ANSWERED[PLURALS[name]]} if name in PLURALS else ANSWERED[name]


def parameter(place: str, name: str, *, required: bool) -> Part:
    """Return a parameter in the path, the query or a header."""
    schema: Part = _text(80)
    if name in ("offset", "limit"):
        least, most = (0, FARTHEST) if name == "offset" else (1, MOST_ON_A_PAGE)
        schema = {"type": "integer", "minimum": least, "maximum": most}
    return {"in": place, "name": name, "required": required, "schema": schema}


def document(paths: Mapping[str, Part]) -> Part:
    """Return the OpenAPI document with these *paths*."""
    return {
        "openapi": "3.1.0",
        "info": {"title": gettext_noop("Consents by the GovStack consent API"), "version": VERSION},
        "paths": dict(paths),
        "components": {"schemas": dict(SCHEMAS)},
    }
