"""The GovStack consent API, version 1.1.0-rc1, at the portal: a table of operations below ``/exchange/consent/``.

What it tells of persons is recorded at the gate as any use of their data, and they are shown it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import jsonschema_rs
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import URLPattern
from django.urls import path as route
from django.views.decorators.csrf import csrf_exempt

from onedoor.exchange.service import json_of
from onedoor.kernel.access import GATEWAY, access
from onedoor.kernel.errors import BadInput
from onedoor.kernel.said import said
from onedoor.privacy import service
from onedoor.privacy.consents import answers, govstack_openapi
from onedoor.privacy.consents.answers import Asked, Told
from onedoor.privacy.consents.govstack_openapi import FARTHEST, INDIVIDUAL_HEADER, MOST_ON_A_PAGE, ON_A_PAGE
from onedoor.privacy.consents.objects import AGREEMENTS, INDIVIDUALS, POLICIES, WEBHOOKS, Kind
from onedoor.privacy.rules import AUDIT, CONFIGURE, CONSENT, READ, WRITE

LONGEST_PARAMETER = 80


@dataclass(frozen=True, slots=True)
class Operation:
    """One row: what is done, under which name, what the answer holds, which parameters and body it takes."""

    method: str
    path: str
    name: str
    summary: str
    does: Callable[[Asked], Told]
    answers: str = ""
    query: str = ""
    takes: str = ""
    individual: bool = False

    @property
    def opens(self) -> str:
        """Return the operation of a right that opens it."""
        if self.path.startswith("/config/"):
            return CONFIGURE
        return AUDIT if self.path.startswith("/audit/") else READ if self.method == "GET" else WRITE

    @property
    def told(self) -> dict[str, Any]:
        """Return the row as the OpenAPI document takes it."""
        place, parameter = re.findall(r"\{(\w+)\}", self.path), govstack_openapi.parameter
        parameters = [parameter("path", name, required=True) for name in place]
        parameters += [parameter("query", name.rstrip("!"), required=name.endswith("!")) for name in self.query.split()]
        if self.individual:
            parameters.append(parameter("header", INDIVIDUAL_HEADER, required=True))
        words = {"answers": tuple(self.answers.split()), "takes": tuple(self.takes.split())}
        return {"name": self.name, "summary": self.summary, "parameters": parameters, **words}


PAGE, POINT, RECORD = "offset limit", "revisionId", "/service/individual/record"
Row = Callable[..., Operation]


def _of(method: str) -> Row:
    return partial(Operation, method)


def _kind(does: Callable[[Asked, Kind], Told], kind: Kind) -> Callable[[Asked], Told]:
    return lambda asked: does(asked, kind)


_get, _post, _put, _delete = map(_of, ("GET", "POST", "PUT", "DELETE"))
_new, _one, _next, _last, _all = answers.created, answers.read, answers.updated, answers.removed, answers.listed
OPERATIONS: tuple[Operation, ...] = (
    _post("/config/policy/", "configPolicyCreate", "Keep a new policy",
          _kind(_new, POLICIES), "policy revision", takes="policy"),
    _get("/config/policy/{policyId}/", "configPolicyRead", "A policy as it is, or in one of its revisions",
         answers.policy, "policy revision", POINT),
    _put("/config/policy/{policyId}/", "configPolicyUpdate", "Change a policy; agreements under it keep theirs",
         _kind(_next, POLICIES), "policy revision", takes="policy"),
    _delete("/config/policy/{policyId}/", "configPolicyDelete", "End a policy that no active agreement is under",
            _kind(_last, POLICIES), "revision"),
    _get("/config/policy/{policyId}/revisions/", "configPolicyRevisionsList", "A policy and its revisions",
         answers.policy_revisions, "policy revisions", PAGE),
    _get("/config/policies/", "configPolicyList", "The policies of the system that asks",
         _kind(_all, POLICIES), "policies", f"{POINT} {PAGE}"),
    _get("/config/data-agreement/{dataAgreementId}/", "configDataAgreementRead", "An agreement as it is",
         answers.agreement, "dataAgreement revision"),
    _put("/config/data-agreement/{dataAgreementId}/", "configDataAgreementUpdate",
         "Change an agreement; consents keep the revision they were given to",
         _kind(_next, AGREEMENTS), "dataAgreement revision", takes="dataAgreement"),
    _delete("/config/data-agreement/{dataAgreementId}/", "configDataAgreementDelete",
            "End an agreement under which there is no consent record", _kind(_last, AGREEMENTS), "revision"),
    _post("/config/data-agreement/", "configDataAgreementCreate", "Keep a new agreement",
          _kind(_new, AGREEMENTS), "dataAgreement revision", takes="dataAgreement"),
    _get("/config/data-agreements/", "configDataAgreementList", "The agreements of the nation and one's own",
         answers.agreements_listed, "dataAgreement[]", PAGE),
    _post("/config/individual/", "configIndividualCreate", "Keep an individual, by personal number",
          _kind(_new, INDIVIDUALS), "individual", takes="individual"),
    _get("/config/individual/{individualId}/", "configIndividualRead", "An individual",
         _kind(_one, INDIVIDUALS), "individual"),
    _get("/config/individuals/", "configIndividualList", "The individuals of the system that asks",
         _kind(_all, INDIVIDUALS), "individuals", PAGE),
    _post("/config/webhook/", "configWebhookCreate", "Keep a webhook",
          _kind(_new, WEBHOOKS), "webhook", takes="webhook"),
    _get("/config/webhook/{webhookId}/", "configWebhookRead", "A webhook, its secret left out",
         _kind(_one, WEBHOOKS), "webhook", POINT),
    _put("/config/webhook/{webhookId}/", "configWebhookUpdate", "Change a webhook; an empty secret leaves it",
         _kind(_next, WEBHOOKS), "webhook", takes="webhook"),
    _delete("/config/webhook/{webhookId}/", "configWebhookDelete", "End a webhook", _kind(_last, WEBHOOKS)),
    _get("/config/webhooks/", "configWebhookList", "The webhooks of the system that asks",
         _kind(_all, WEBHOOKS), "webhooks", f"{POINT} {PAGE}"),
    _post("/service/individual/", "serviceIndividualCreate", "Keep an individual, by personal number",
          _kind(_new, INDIVIDUALS), "individual", takes="individual"),
    _get("/service/individual/{individualId}/", "serviceIndividualRead", "An individual",
         _kind(_one, INDIVIDUALS), "individual"),
    _put("/service/individual/{individualId}/", "serviceIndividualUpdate", "Change an individual, who stays the same",
         _kind(_next, INDIVIDUALS), "individual", takes="individual"),
    _get("/service/individuals/", "serviceIndividualList", "The individuals of the system that asks",
         _kind(_all, INDIVIDUALS), "individuals", PAGE),
    _get("/service/data-agreement/{dataAgreementId}/", "serviceDataAgreementRead", "An agreement as it is",
         answers.agreement, "dataAgreement revision"),
    _get("/service/policy/{policyId}/", "servicePolicyRead", "A policy as it is, or in one of its revisions",
         answers.policy, "policy revision", POINT),
    _get("/service/verification/data-agreements/", "serviceVerificationDataAgreementList",
         "The agreements of the nation and one's own", answers.agreements_listed, "dataAgreements", PAGE),
    _get("/service/verification/consent-records/", "serviceVerificationConsentRecordList",
         "What the individuals of the system that asks say", answers.records_listed, "consentRecords", PAGE),
    _get("/service/verification/consent-record/{consentRecordId}/", "serviceVerificationConsentRecordRead",
         "A consent record", answers.record, "consentRecord revision"),
    _post(f"{RECORD}/data-agreement/{{dataAgreementId}}/", "serviceIndividualConsentRecordCreate",
          "Keep that an individual agrees to what an agreement asks now",
          answers.record_given, "consentRecord revision", f"individualId! {POINT}"),
    _get(f"{RECORD}/data-agreement/{{dataAgreementId}}/", "serviceIndividualConsentRecordRead",
         "What an individual says to an agreement", answers.record_of_individual, "consentRecord", individual=True),
    _post(f"{RECORD}/consent-record/draft/", "serviceIndividualConsentRecordDraftCreate",
          "A record and a signature to be signed; nothing is kept",
          answers.record_draft, "consentRecord signature", f"individualId! dataAgreementId! {POINT}"),
    _post(f"{RECORD}/consent-record/", "serviceIndividualConsentRecordSignatureCreate",
          "Keep a record with its signature, made from a draft",
          answers.record_signed, "consentRecord revision signature", takes="consentRecord signature"),
    _get(f"{RECORD}/consent-record/", "serviceIndividualConsentRecordList", "What an individual says to any agreement",
         answers.records_of_individual, "consentRecords", PAGE, individual=True),
    _put(f"{RECORD}/consent-record/{{consentRecordId}}/", "serviceIndividualConsentRecordUpdate",
         "Keep what an individual says anew; it is unsigned then",
         answers.record_updated, "consentRecord revision", takes="consentRecord", individual=True),
    _post(f"{RECORD}/consent-record/{{consentRecordId}}/signature/", "serviceIndividualSignatureCreate",
          "A payload of the record to be signed",
          answers.signature_prepared, "signature", takes="signature", individual=True),
    _put(f"{RECORD}/consent-record/{{consentRecordId}}/signature/", "serviceIndividualSignatureUpdate",
         "Add the signature that verifies; the record is signed then",
         answers.signature_added, "signature", takes="signature", individual=True),
    _get(f"{RECORD}/data-agreement/{{dataAgreementId}}/all/", "serviceIndividualDataAgreementConsentRecordList",
         "All that an individual ever said to an agreement",
         answers.records_of_agreement, "consentRecords", PAGE, individual=True),
    _delete(f"{RECORD}/", "serviceIndividualConsentRecordDeleteAll",
            "Forget the records of an individual under forgettable agreements",
            answers.records_forgotten, individual=True),
    _get("/audit/consent-records/", "auditConsentRecordList", "Consent records of all systems",
         answers.records_listed, "consentRecords", PAGE),
    _get("/audit/consent-record/{consentRecordId}/", "auditConsentRecordRead", "A consent record of any system",
         answers.record, "consentRecord"),
    _get("/audit/data-agreements/", "auditDataAgreementList", "The agreements of the nation and of all systems",
         answers.agreements_listed, "dataAgreements", PAGE),
    _get("/audit/data-agreement/{dataAgreementId}/", "auditDataAgreementRead", "An agreement of any system",
         answers.agreement, "dataAgreement"),
)  # fmt: skip
"""Every operation of the definition; a row's answer is cut to the words that the definition has there."""


@cache
def _by_path() -> Mapping[str, Mapping[str, Operation]]:
    """Return the operations by path and method; of two paths that an address fits, the one in more words first."""
    found: dict[str, dict[str, Operation]] = {}
    for one in sorted(OPERATIONS, key=lambda one: one.path.count("{")):
        found.setdefault(one.path, {})[one.method] = one
    return found


def document() -> dict[str, Any]:
    """Return the OpenAPI document of the service."""
    return govstack_openapi.document(
        {
            path: {method.lower(): govstack_openapi.operation(one.told) for method, one in methods.items()}
            for path, methods in _by_path().items()
        }
    )


def routes(base: str) -> list[URLPattern]:
    """Return the routes of all paths below *base*."""
    return [
        route(base + re.sub(r"\{\w+\}", "<str:name>", path), _view(methods)) for path, methods in _by_path().items()
    ]


def _view(methods: Mapping[str, Operation]) -> Callable[..., HttpResponse]:
    def consent(request: HttpRequest, name: str = "") -> HttpResponse:
        if (operation := methods.get(request.method or "")) is None:
            return HttpResponseNotAllowed(methods)
        return _answer(request, operation, name)

    consent.__doc__ = "; ".join(f"{method}: {one.summary}" for method, one in methods.items()) + "."
    return access(GATEWAY)(csrf_exempt(consent))


def _answer(request: HttpRequest, operation: Operation, name: str) -> HttpResponse:
    """Do what is asked, once it is allowed; what is read of persons is on record before it is answered."""
    _asks, reader = service.admitted(request, CONSENT, operation.opens)
    asked = Asked(reader, name, audit=operation.opens == AUDIT)
    _fill(asked, request, operation)
    told = operation.does(asked)
    asked.record(READ)
    words = operation.answers.split()
    if not words:
        return HttpResponse()
    return JsonResponse({one.removesuffix("[]"): told.get(one, told.get("")) for one in words})


def _fill(asked: Asked, request: HttpRequest, operation: Operation) -> None:
    """Take parameters, header and body; raise `BadInput` for what has not the form that the document says."""
    known = {one.rstrip("!"): one.endswith("!") for one in operation.query.split()}
    asked.query = {
        one: _parameter(request, one, needed=needed) for one, needed in known.items() if one not in PAGE.split()
    }
    asked.offset = _number(request, "offset", 0, 0, FARTHEST)
    asked.limit = _number(request, "limit", ON_A_PAGE, 1, MOST_ON_A_PAGE)
    asked.individual = request.headers.get(INDIVIDUAL_HEADER, "")
    if operation.takes:
        asked.body = _body(request, operation.takes)


def _parameter(request: HttpRequest, name: str, *, needed: bool) -> str:
    value = request.GET.get(name, "")
    if needed and not value:
        raise BadInput(what=said("the parameter {name} is missing", name=name))
    if len(value) > LONGEST_PARAMETER or not value.isprintable():
        raise BadInput(what=said("{name} has at most {most} signs", name=name, most=LONGEST_PARAMETER))
    return value


def _number(request: HttpRequest, name: str, otherwise: int, least: int, most: int) -> int:
    text = request.GET.get(name, str(otherwise))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
        raise BadInput(what=said("{name} is a whole number from {least} to {most}", name=name, least=least, most=most))
    return int(text)


@cache
def _validator(takes: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(govstack_openapi.taken(tuple(takes.split())))


def _body(request: HttpRequest, takes: str) -> dict[str, Any]:
    """Return the JSON object in the body; JSON can escape a sign that the database does not know."""
    body: dict[str, Any] = json_of(request)
    if b"\\u0000" in request.body:
        raise BadInput(what=said("the body has the sign \\u0000"))
    if wrong := next(_validator(takes).iter_errors(body), None):
        where = ".".join(str(one) for one in wrong.instance_path)
        raise BadInput(what=said("the body at “{where}” is not as openapi.json says", where=where))
    return body
