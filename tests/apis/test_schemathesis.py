"""Every API answers whatever it is sent with what its OpenAPI document says, and never with a fault of its own."""

import copy
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from django.test import Client

from onedoor.exchange.service import VIA_GATEWAY
from onedoor.kernel import nation
from onedoor.kernel.openapi import strict
from onedoor.kernel.settings import REPOSITORY
from onedoor.privacy.models import ReadRecord
from onedoor.procedures import service as procedures
from onedoor.registers import openapi
from onedoor.registers import service as registers
from onedoor.registers.definition import register_of
from onedoor.site.wsgi import application
from tests.apis.generating import hold
from tests.reference import apis

EXAMPLES = 6
CONSENT, FEW = "consent.json", 2
"""The API of most operations has few examples of each, in one test."""
PORTAL, COMMUNE = "VN/GOV/G22/PORTAL", "VN/GOV/G15/CIVIL-STATUS"
DOOR, ROADS = "TL/GOV/DOOR/PORTAL", "TL/GOV/ROADS/BICYCLES"
WHO: Mapping[str, tuple[str, str, str]] = {
    "cases.json": (PORTAL, "hand-over", "nd63-2024.4.3"),
    "cases.json /outcome": (COMMUNE, "hand-over", "nd63-2024.4.3"),
    "reads.json": (PORTAL, "own-case", "l91-2025"),
    "own-reads.json": (PORTAL, "own-reads", "l91-2025"),
    "consents.json": ("VN/GOV/G18/HEALTH", "birth-suggestion", "l91-2025"),
    "consent.json": ("VN/GOV/G18/HEALTH", "consent-api", "l91-2025"),
    "sealed-reads.json": ("VN/GOV/G01/POPULATION", "investigation", "l91-2025"),
    "breaches.json": (COMMUNE, "breach-notice", "l91-2025"),
    "breaches.json /acknowledged": ("VN/GOV/G01/POPULATION", "breach-notice", "l91-2025"),
    "breaches.json /counts": (PORTAL, "breach-notice", "l91-2025"),
    "person-requests.json": (PORTAL, "personal-rights", "l91-2025"),
    "person-requests.json /told": ("VN/GOV/G01/POPULATION", "personal-rights", "l91-2025"),
    "own-data.json": (PORTAL, "own-data", "l91-2025"),
    "changes.json": ("VN/GOV/G01/POPULATION", "insurance-upkeep", "l60-2024"),
    "api.json": (COMMUNE, "events", "nd278-2025"),
    "pub.json": (COMMUNE, "events", "nd278-2025"),
    "pull.json": (COMMUNE, "events", "nd278-2025"),
    "events.json": (COMMUNE, "events", "nd278-2025"),
    "corrections.json": ("VN/GOV/G01/POPULATION", "correction", "l91-2025"),
    "vietnam-population.json": (COMMUNE, "birth-registration", "l26-2023.12"),
    "vietnam-data.json": (COMMUNE, "birth-registration", "l26-2023.12"),
    "vietnam-data.json /myPersonalDataUsage": (PORTAL, "own-case", "l91-2025"),
    "vietnam-data.json /my-personal-data-usage": (PORTAL, "own-case", "l91-2025"),
    "testland-data.json /myPersonalDataUsage": (DOOR, "own-case", "act-8.2"),
    "testland-data.json /my-personal-data-usage": (DOOR, "own-case", "act-8.2"),
    "vietnam-births-v1.json": (COMMUNE, "birth-registration", "l60-2014.14"),
}
"""As whom an API is asked: client, purpose and basis; other registers as the portal, for the form of a birth."""
FIRST = apis.Api("vietnam-births-v1.json", apis.VERSION, openapi.of_version(register_of("births")))
OTHER = "testland-"
FOUND = apis.documents()
DOCUMENTS = {api.file: api for api in (*FOUND, FIRST) if not api.file.startswith(OTHER)}
OTHERS = {api.file: api for api in FOUND if api.file.startswith(OTHER)}
"""Of the nation whose register has versions, and a draft that can be tried."""
BICYCLES = (ROADS, "bicycle-marking", "act-7.2")
BICYCLE = {"mark": "B00007", "owner": "P0001", "marked_on": "2026-03-02", "place": "N101", "colour": "red"}

POPULATION = register_of("population")
CONTENT = {"query": openapi.question(POPULATION)["properties"]["by"], "write": openapi.values(POPULATION)}
REACHED: Mapping[str, object] = {
    "registryName": "population",
    "versionNumber": 1,
    "field": "full_name",
    "databaseId": "population",
    "userId": "001196204817",
}


def as_served(api: apis.Api) -> dict[str, Any]:
    """Return the document of *api* at its address; what would be refused at the door names what there is."""
    document: dict[str, Any] = copy.deepcopy(dict(api.document))
    if register := api.file.removesuffix(".json").partition("vietnam-")[2]:
        document["servers"] = [{"url": f"http://testserver/exchange/{register.replace('-v', '/v')}"}]
    else:
        document["servers"] = [{"url": f"http://testserver/{api.base}"}]
    if api.file == "vietnam-data.json":
        for path, item in document["paths"].items():
            for told in item.values():
                narrow(told, PORTAL if path.startswith("/my") else COMMUNE)
    for item in document["paths"].values() if api.file == CONSENT else ():
        for told in item.values():
            told["parameters"] = [
                {**one, "schema": {"const": "birth-suggestion"}} if one["name"] == "dataAgreementId" else one
                for one in told["parameters"]
            ]
    known = procedures.get("vn.birth-linked", "2026-09-01")
    told = {"id": known.id, "version": known.version, "digest": procedures.pin(known)}
    for item in document["paths"].values() if api.file == "cases.json" else ():
        properties = item["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
        properties["agency"] = {"const": "commune-00199"}
        if "service" in properties:
            properties["service"] = {"const": told}
    return document


def narrow(
    told: dict[str, Any], client: str, own: Mapping[str, object] = REACHED, content: Mapping[str, Any] = CONTENT
) -> None:
    """Let an operation of the GovStack interface be asked by *client*, of one register and in its fields."""
    reached = {**own, "Information-Mediator-Client": client}
    told["parameters"] = [
        {**one, "schema": {"const": reached[one["name"]]}} if one["name"] in reached else one
        for one in told["parameters"]
        if one["name"] == "query.number" or not one["name"].startswith(("query.", "search", "filter"))
    ]
    if "requestBody" in told:
        schema = told["requestBody"]["content"]["application/json"]["schema"]
        schema["properties"] = {name: strict(content=content[name]) for name in schema["properties"]}


def operations() -> Iterator[object]:
    for name, api in DOCUMENTS.items():
        if name == CONSENT:
            continue
        for path, item in api.document["paths"].items():
            for method in apis.METHODS:
                if method in item:
                    takes = {"parameters", "requestBody"} & {*item, *item[method]}
                    for mode in schemathesis.GenerationMode if takes else [schemathesis.GenerationMode.POSITIVE]:
                        title = f"{name} {method.upper()} {path} {mode.value}"
                        yield pytest.param(name, path, method.upper(), mode, id=title)


def asked_as(name: str, path: str) -> Callable[..., Iterable[bytes]]:
    """Return the application as the own gateway reaches it, or as a person's browser, for /api/ does."""
    ours = BICYCLES if name in OTHERS else (PORTAL, "birth-form", "nd63-2024.4.5")
    client, purpose, basis = WHO.get(f"{name} {path}", WHO.get(name, ours))
    cookies = ""
    if name == "site.json":
        browser = Client()
        browser.post("/en/sign-in", {"persona": "mother"})
        cookies = "; ".join(f"{key}={one.value}" for key, one in browser.cookies.items())

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        who = "VN/GOV/G01/POPULATION" if "/consent/audit/" in environ["PATH_INFO"] else client
        environ |= {"HTTP_COOKIE": cookies} if cookies else {VIA_GATEWAY: True, "HTTP_X_ROAD_CLIENT": who}
        environ |= {"HTTP_X_ROAD_USERID": "commune-00199.civil-status", "HTTP_X_ROAD_ID": str(uuid4())}
        environ |= {"HTTP_ONEDOOR_PURPOSE": purpose, "HTTP_ONEDOOR_BASIS": basis, "HTTP_X_ROAD_ISSUE": case_of(body)}
        return application(environ, start_response)

    return app


def case_of(body: bytes) -> str:
    """Return the case that a body names, as its sender would sign it; a header carries printable ASCII only."""
    with suppress(ValueError, TypeError, KeyError):
        named = str(json.loads(body)["case"])
        if named.isascii() and named.isprintable():
            return named
    return "2611-7K4M-Q8"


@pytest.mark.parametrize(("name", "path", "method", "mode"), list(operations()))
@pytest.mark.django_db(transaction=True)
def test_an_api_answers_as_its_document_says(
    name: str, path: str, method: str, mode: schemathesis.GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(as_served(DOCUMENTS[name]))
    schema.app = asked_as(name, path)
    hold(schema[path][method], mode, EXAMPLES)


@pytest.mark.django_db(transaction=True)
def test_the_consent_api_answers_as_its_document_says() -> None:
    document = as_served(DOCUMENTS[CONSENT])
    schema = schemathesis.openapi.from_dict(document)
    schema.app = asked_as(CONSENT, "")
    asked = [(path, method, told) for path, item in document["paths"].items() for method, told in item.items()]
    assert len(asked) > 40
    for path, method, told in asked:
        for mode in schemathesis.GenerationMode:
            if mode is schemathesis.GenerationMode.POSITIVE or told["parameters"] or "requestBody" in told:
                hold(schema[path][method.upper()], mode, FEW)


@pytest.mark.django_db(transaction=True)
def test_a_register_with_versions_answers_as_its_documents_say(monkeypatch: pytest.MonkeyPatch) -> None:
    country = nation.load(REPOSITORY / "nations" / "testland")
    monkeypatch.setattr(nation, "current", lambda: country)
    bicycles, tried = register_of("bicycles"), set()
    registers.load("bicycles", [BICYCLE])
    content = {"query": openapi.question(bicycles)["properties"]["by"], "write": openapi.values(bicycles)}
    reached = {"registryName": "bicycles", "versionNumber": 1, "field": "colour", "databaseId": "bicycles"}
    reached["userId"] = BICYCLE["owner"]
    for name, api in OTHERS.items():
        document = copy.deepcopy(dict(api.document))
        base = name.removesuffix(".json").removeprefix(OTHER).replace("-v", "/v")
        document["servers"] = [{"url": f"http://testserver/exchange/{base}"}]
        asked = [(path, one) for path, item in document["paths"].items() for one in item if one in apis.METHODS]
        for path, method in asked if base == "data" else ():
            narrow(document["paths"][path][method], DOOR if path.startswith("/my") else ROADS, reached, content)
        schema = schemathesis.openapi.from_dict(document)
        for path, method in asked:
            schema.app = asked_as(name, path)
            alone = base == "data"  # whose code the other nation's document has tried in both modes
            for mode in [schemathesis.GenerationMode.POSITIVE] if alone else schemathesis.GenerationMode:
                hold(schema[path][method.upper()], mode, 2 * FEW if alone else FEW)
            tried.add(base + path)
    assert {"bicycles/lookup", "bicycles/v1/lookup", "bicycles/v1/try", "bicycles/v2/try"} <= tried
    used = ReadRecord.objects.filter(register="bicycles", refused="").values_list("operation", flat=True)
    assert set(used) == {"read", "write"}, "the rights of that nation opened both"
