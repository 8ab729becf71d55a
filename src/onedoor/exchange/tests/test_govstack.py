"""GovStack's names at the mount of a gateway: its lists are held against the definition of GovStack itself."""

import copy
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import requests
import schemathesis
import yaml
from schemathesis import GenerationMode
from schemathesis.core.transport import Response
from tests.apis.generating import CONFORMS, hold

from onedoor.exchange.gateway import govstack
from onedoor.exchange.gateway.govstack import Retelling
from onedoor.exchange.gateway.messages import Fields
from onedoor.exchange.gateway.systems import Asked
from onedoor.exchange.tests.xroad import PATIENCE, PETS, PORTAL, PROVIDER, Answer, XRoad

WRITTEN = yaml.safe_load((Path(__file__).parent / "govstack-im-directory-1.0.yaml").read_text("utf-8"))
DEFINITION = schemathesis.openapi.from_dict(WRITTEN)
OF_SYSTEM = "/r1/{instanceId}/{memberClass}/{memberCode}/{applicationCode}"
CLIENT = ("X-GovStack-Client", PORTAL)
PLACES = dict(zip(("instanceId", "memberClass", "memberCode", "applicationCode"), PROVIDER.split("/"), strict=True))
MEANT = PLACES | {"X-GovStack-Client": PORTAL, "serviceCode": "petstore", "serviceId": "petstore"}
"""What means something here; all else that the definition allows has an answer of its own."""
DESCRIPTION = {"type": "object", "required": ["openapi"]}
EXAMPLES, FEW = 20, 10


def conforms(answer: Answer, path: str) -> Any:
    """Return what *answer* holds, once schemathesis found it to be as the definition says."""
    asked = requests.Request("GET", "https://localhost/").prepare()
    headers = {name: [value] for name, value in answer.headers}
    DEFINITION[path]["GET"].validate_response(
        Response(answer.status, headers, answer.body, asked, elapsed=0, verify=False)
    )
    return answer.json


@pytest.mark.parametrize("query", ["", "?instanceId=VN"])
def test_clients_are_listed_by_govstacks_names(xroad: XRoad, query: str) -> None:
    answer = xroad.ask(f"/govstack/listClients{query}", headers=[CLIENT, ("Accept", "text/xml")])
    members = conforms(answer, "/listClients")["member"]
    parts = dict(zip(("instanceId", "memberClass", "memberCode", "applicationCode"), PORTAL.split("/"), strict=True))
    assert {"objectType": "APPLICATION", **parts} in [one["id"] for one in members]
    parts.pop("applicationCode")
    assert {"objectType": "MEMBER", **parts} in [one["id"] for one in members]


def test_an_instance_that_is_not_there_has_no_clients(xroad: XRoad) -> None:
    answer = xroad.ask("/govstack/listClients?instanceId=EE", headers=[CLIENT])
    assert (answer.status, answer.json["type"]) == (500, "Server.ClientProxy.UnknownMember")
    answer = xroad.ask("/govstack/listClients?instanceId=EE", headers=[CLIENT, ("Accept", "text/xml")])
    assert answer["content-type"].startswith("text/xml"), "an error comes in the form that was asked for"


def test_services_are_listed_by_govstacks_names(xroad: XRoad) -> None:
    answer = xroad.ask(f"/govstack/r1/{PROVIDER}/listMethods", headers=[CLIENT, ("Accept", "text/xml")])
    found = {one["serviceCode"]: one for one in conforms(answer, f"{OF_SYSTEM}/listMethods")["member"]}
    assert found["guarded"]["endpointList"]["member"] == [
        {"method": "GET", "path": "/pets/*"},
        {"method": "POST", "path": "/pets"},
    ]
    assert found["guarded"]["applicationCode"] == "POPULATION"
    assert not any("_" in name for one in found.values() for name in one)


def test_what_a_client_may_use_is_listed_of_one_service_when_it_is_named(xroad: XRoad) -> None:
    answer = xroad.ask(f"/govstack/r1/{PROVIDER}/allowedMethods?serviceId=petstore", headers=[CLIENT])
    assert [one["serviceCode"] for one in conforms(answer, f"{OF_SYSTEM}/allowedMethods")["member"]] == ["petstore"]


def test_a_description_comes_as_it_stands(xroad: XRoad) -> None:
    xroad.system.reply = lambda _: (200, b'{"openapi": "3.0.0"}', "Content-Type: application/json\r\n")
    answer = xroad.ask(f"/govstack/r1/{PROVIDER}/getOpenAPI?serviceCode=petstore", headers=[CLIENT])
    assert (answer.status, answer.json) == (200, {"openapi": "3.0.0"})


def test_a_message_goes_the_way_of_any_other(xroad: XRoad) -> None:
    body = b'{"name": "cat"}'
    answer = xroad.ask(f"/govstack{PETS}/pets?a=%20b", "POST", [CLIENT, ("Content-Type", "application/json")], body)
    assert answer.status == 200
    assert answer["x-road-client"] == PORTAL
    (seen,) = xroad.system.seen
    assert (seen["path"], seen["body"]) == ("/petstore/pets?a=%20b", body.decode())
    assert seen["headers"]["x-road-client"] == PORTAL


def test_what_a_service_answers_where_a_list_could_be_is_left_as_it_is(xroad: XRoad) -> None:
    xroad.system.reply = lambda _: (200, b"no list", "Content-Type: text/plain\r\n")
    for method in ("GET", "POST"):
        answer = xroad.ask(f"/govstack{PETS}/pets/listMethods", method, [CLIENT, ("Accept", "text/plain")])
        assert (answer.status, answer.body) == (200, b"no list")
    assert [one["headers"]["accept"] for one in xroad.system.seen] == ["text/plain"] * 2


def test_a_service_whose_code_begins_like_a_list_is_none() -> None:
    asked, connection = Asked(b"GET", b"", Fields([]), b"", "", secure=True), Mock()
    for code, listed in ((b"listMethods", True), (b"listMethodsOfOurs", False), (b"listMethods/one", False)):
        target = b"/govstack/r1/VN/GOV/G01/POPULATION/" + code
        assert (govstack.mounted(replace(asked, target=target), connection)[1] is not connection) == listed


def test_a_fault_of_another_gateway_is_no_list() -> None:
    told: list[bytes] = []
    fault = b'{"type": "Server.ServerProxy.UnknownMember"}'
    Retelling(SimpleNamespace(answer=lambda *answer, **_: told.append(answer[-1])), "").answer(500, b"", [], fault)
    assert told == [fault]


@pytest.mark.parametrize("target", ["/govstack/listClients", f"/govstack/r1/{PROVIDER}/listMethods"])
def test_a_list_is_not_asked_for_its_head_and_the_answer_to_that_is_one(xroad: XRoad, target: str) -> None:
    told = b""
    with closing(xroad.connect()) as connection:
        connection.sendall(
            f"HEAD {target} HTTP/1.1\r\nHost: a\r\n{': '.join(CLIENT)}\r\nConnection: close\r\n\r\n".encode()
        )
        while piece := connection.recv(2**16):
            told += piece
    assert told.startswith((b"HTTP/1.1 400", b"HTTP/1.1 500"))
    assert told.endswith(b"\r\n\r\n")


def test_a_list_that_is_too_large_to_be_told_anew_is_passed_on() -> None:
    connection, body = Mock(), Mock()
    Retelling(connection, "").pass_on(200, b"OK", [], body)
    connection.pass_on.assert_called_once_with(200, b"OK", [], body)


@pytest.mark.parametrize("body", [b"", b"[1]", b'{"member": 5}', b'{"service": [1]}', b"[" * 100_000])
def test_a_list_of_another_gateway_that_is_none_is_told_as_a_fault(body: bytes) -> None:
    told = []

    class Connection:
        def answer(self, *answer: object, **_: object) -> None:
            told.append(answer)

    Retelling(Connection(), "").answer(200, b"OK", [], body)
    ((status, _, headers, _),) = told
    assert (status, dict(headers)[b"X-Road-Error"]) == (500, b"Server.ClientProxy.InternalError")


@pytest.mark.parametrize("name", ["X-GovStack-Client", "X_GovStack_Client", "x-govstack-user"])
def test_govstacks_names_reach_no_provider(xroad: XRoad, name: str) -> None:
    answer = xroad.ask(headers=[("X-Road-Client", PORTAL), (name, PROVIDER)])
    assert (answer.status, answer.json["type"]) == (400, "Client.BadRequest")
    assert not xroad.system.seen


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        (PETS, [CLIENT, ("X-Road-Client", PORTAL)]),
        (PETS, []),
        (f"/govstack{PETS}", [CLIENT]),
        ("/govstack" * 5000, []),
        ("/nothing", [CLIENT]),
        ("/", [CLIENT]),
        ("/listClients?instanceId=%ff", [("X-Road-Client", PORTAL)]),
    ],
)
def test_what_names_no_client_or_nothing_there_is_refused(
    xroad: XRoad, target: str, headers: list[tuple[str, str]]
) -> None:
    answer = xroad.ask(f"/govstack{target}", headers=headers)
    assert (answer.status, answer.json["type"]) == (400, "Client.BadRequest")
    assert not xroad.system.seen


def of_gateway(*, free: bool) -> dict[str, Any]:
    """Return the definition as it is held against a gateway.

    The texts that it allows are narrowed to those that mean something here, unless those in queries are *free*: all
    others are asked with what it does not allow. Of a description in JSON it says that it is a text; it is handed on as
    it stands, an object.
    """
    found = copy.deepcopy(WRITTEN)
    lists = [item.get("parameters", []) + item["get"].get("parameters", []) for item in found["paths"].values()]
    for one in (*found["components"]["parameters"].values(), *(one for some in lists for one in some)):
        if one.get("name") in MEANT and not (free and one["in"] == "query"):
            one["schema"]["enum"] = [MEANT[one["name"]]]
    described = found["paths"][f"{OF_SYSTEM}/getOpenAPI"]["get"]["responses"]["200"]["content"]
    described["application/json"]["schema"] = DESCRIPTION
    return found


def told_in_words(_context: object, response: Response, _case: object) -> None:
    """Hold a 500, with which X-Road tells that something cannot be done, to say so by its documented type."""
    if response.status_code >= 500:
        (type_,) = response.headers["x-road-error"]
        assert type_.startswith(("Client.", "Server.ClientProxy.", "Server.ServerProxy.")), type_
        assert b"could not handle" not in response.content


@pytest.mark.parametrize(
    ("mode", "free", "expected"),
    [
        (GenerationMode.POSITIVE, False, {200}),
        (GenerationMode.POSITIVE, True, {200, 500}),
        (GenerationMode.NEGATIVE, False, {400, 500}),
    ],
    ids=["meant", "allowed", "not allowed"],
)
@pytest.mark.parametrize("path", list(WRITTEN["paths"]))
def test_whatever_the_definition_allows_or_not_is_answered_as_it_says(
    xroad: XRoad, path: str, mode: GenerationMode, free: bool, expected: set[int]
) -> None:
    xroad.system.reply = lambda _: (200, b'{"openapi": "3.0.0"}', "Content-Type: application/json\r\n")
    seat = xroad.place.seats["G22"]
    schema, state = schemathesis.openapi.from_dict(of_gateway(free=free)), seat.state
    schema.config.update(base_url=f"https://{seat.address(100)}/govstack")
    shown: dict[str, Any] = {"cert": (str(state / "tls.pem"), str(state / "tls.key")), "timeout": PATIENCE}
    shown["verify"] = str(state / "tls-trust.pem")
    statuses = hold(schema[path]["GET"], mode, EXAMPLES if free else FEW, (told_in_words, *CONFORMS), **shown)
    assert expected & {*statuses}
    assert mode is GenerationMode.NEGATIVE or {*statuses} <= expected
