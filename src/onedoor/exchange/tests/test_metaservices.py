"""X-Road's metaservices, fact by fact, through two gateways (PR-META, PR-MREST)."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from unittest.mock import Mock

import pytest

from onedoor.exchange.configuration import Member, Subsystem
from onedoor.exchange.gateway import local, metaservices
from onedoor.exchange.gateway.faults import Fault
from onedoor.exchange.gateway.nodes import Reply
from onedoor.exchange.identifiers import META, Target
from onedoor.exchange.tests.xroad import GUARDED, HALF, OPEN, PETS, PORTAL, PROVIDER, Answer, XRoad

XROAD, ID = "{http://x-road.eu/xsd/xroad.xsd}", "{http://x-road.eu/xsd/identifiers}"
PARTS = ("xroad_instance", "member_class", "member_code", "subsystem_code", "service_code")
CLIENT = ("X-Road-Client", PORTAL)
JSON = ("Accept", "application/json")


def describe(xroad: XRoad, code: str, body: bytes, *, status: int = 200, extra: str = "") -> Answer:
    xroad.system.reply = lambda _: (status, body, extra)
    return xroad.ask(f"/r1/{PROVIDER}/getOpenAPI?serviceCode={code}")


def listed(xroad: XRoad, method: str = "listMethods", provider: str = PROVIDER) -> dict[str, list[tuple[str, str]]]:
    answer = xroad.ask(f"/r1/{provider}/{method}")
    assert (answer.status, answer["content-type"]) == (200, "application/json;charset=utf-8")
    found = {}
    for one in answer.json["service"]:
        assert list(one) == ["object_type", "service_type", *PARTS, "endpoint_list"]
        assert "/".join(one[part] for part in PARTS[:4]) == provider
        found[one["service_code"]] = [(point["method"], point["path"]) for point in one["endpoint_list"]]
    return found


# listClients


def test_list_clients_is_json_with_snake_case_for_who_accepts_json(xroad: XRoad) -> None:
    answer = xroad.ask("/listClients", headers=[("Accept", "text/plain"), ("accept", "application/JSON;q=0.5")])
    assert (answer.status, answer["content-type"]) == (200, "application/json;charset=utf-8")
    members = answer.json["member"]
    member = {"object_type": "MEMBER", "xroad_instance": "VN", "member_class": "GOV", "member_code": "G22"}
    entry = next(one for one in members if one["id"] == member)
    assert list(entry) == ["id", "name"]
    below = member | {"object_type": "SUBSYSTEM", "subsystem_code": "PORTAL"}
    entry = next(one for one in members if one["id"] == below)
    assert list(entry) == ["id", "name", "subsystem_name"]


@pytest.mark.parametrize("headers", [[], [("Accept", "*/*")], [("Accept", "text/xml, application/json-seq")]])
def test_list_clients_is_xml_for_everybody_else(xroad: XRoad, headers: list[tuple[str, str]]) -> None:
    answer = xroad.ask("/listClients", headers=headers)
    assert answer["content-type"] == "text/xml;charset=utf-8"
    root = ET.fromstring(answer.body)
    assert root.tag == f"{XROAD}clientList"
    ids = [[part.text for part in one.iterfind(f"{XROAD}id/*")] for one in root]
    assert ["VN", "GOV", "G22"] in ids
    assert PORTAL.split("/") in ids
    kinds = {one.get(f"{ID}objectType") for one in root.iter(f"{XROAD}id")}
    assert kinds == {"MEMBER", "SUBSYSTEM"}
    assert len(root.findall(f"{XROAD}member/{XROAD}subsystemName")) == sum(len(one) == 4 for one in ids)


def test_a_name_is_a_text_in_xml_whatever_is_in_it() -> None:
    names = "A & B <C>", "<id:memberCode>D</id:memberCode>"
    member = Member("VN/GOV/G01", names[0], (Subsystem("VN/GOV/G01/X&<Y", names[1], frozenset()),))
    found = ET.fromstring(metaservices._client_list([member])).findall(f"{XROAD}member")
    assert [one.findtext(f"{XROAD}name") for one in found] == [names[0]] * 2
    assert found[1].findtext(f"{XROAD}subsystemName") == names[1]
    assert found[1].findtext(f"{XROAD}id/{ID}subsystemCode") == "X&<Y"


def test_list_clients_takes_an_instance_by_its_name(xroad: XRoad) -> None:
    same = [
        xroad.ask(f"/listClients{query}", headers=[JSON]).body for query in ("", "?xRoadInstance=VN", "?xRoadInstance=")
    ]
    assert len(set(same)) == 1
    assert xroad.ask("/listClients?xRoadInstance=EE").status == 500


def test_list_clients_asks_nobody_who_they_are(xroad: XRoad) -> None:
    assert xroad.ask("/listClients", headers=[], shown=False).status == 200
    assert xroad.ask("/listClients", headers=[], tls=False).status == 200


# listMethods and allowedMethods


def test_list_methods_tells_every_service_with_its_endpoints(xroad: XRoad) -> None:
    found = listed(xroad)
    assert {"petstore", "guarded", "population", "cases"} <= found.keys()
    assert found["guarded"] == [("GET", "/pets/*"), ("POST", "/pets")]


def test_a_system_whose_name_begins_as_another_s_offers_its_own_services_alone() -> None:
    offered = [Mock(service=one, kind="REST", endpoints=()) for one in (f"{PROVIDER}/a", f"{PROVIDER}2/b")]
    core = Mock(local=Mock(services={one.service: one for one in offered}))
    _, body = metaservices.methods(core, Target(f"{PROVIDER}/listMethods", "", "", ""), PORTAL)
    assert [one["service_code"] for one in json.loads(body)["service"]] == ["a"]


def test_a_service_is_rest_or_openapi(xroad: XRoad) -> None:
    answer = xroad.ask(f"/r1/{PROVIDER}/listMethods")
    kinds = {one["service_code"]: one["service_type"] for one in answer.json["service"]}
    assert (kinds["petstore"], kinds["guarded"]) == ("OPENAPI", "REST")


def test_allowed_methods_tells_the_endpoints_open_to_who_asks(xroad: XRoad) -> None:
    found = listed(xroad, "allowedMethods")
    assert found["petstore"] == [("GET", "/pets/*"), ("POST", "/pets"), ("*", "/**")]
    assert found["guarded"] == [
        ("GET", "/public/*"),
        ("*", "/deep/**"),
        ("GET", r"/star\*"),
        ("GET", "/hồ sơ"),
        ("GET", "/narrow/*.pdf"),
        ("*", "/global/**"),
    ]
    assert "population" in found
    half = xroad.ask(f"/r1/{PROVIDER}/allowedMethods", headers=[("X-Road-Client", HALF)], shown=False).json["service"]
    assert [one["endpoint_list"] for one in half] == [[{"method": "GET", "path": "/global/**"}]]
    other = xroad.ask(f"/r1/{PROVIDER}/allowedMethods", headers=[("X-Road-Client", OPEN)], tls=False).json["service"]
    assert [(one["service_code"], one["endpoint_list"]) for one in other] == [
        ("guarded", [{"method": "GET", "path": "/local/**"}])
    ]


@pytest.mark.parametrize("method", ["listMethods", "allowedMethods"])
def test_metaservices_never_list_themselves(xroad: XRoad, method: str) -> None:
    assert not META & listed(xroad, method).keys()


@pytest.mark.parametrize("code", sorted(META))
def test_the_codes_of_metaservices_are_reserved(xroad: XRoad, tmp_path: Path, code: str) -> None:
    for file in (xroad.place.seats["G01"].gateway_state).glob("*.*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    data = json.loads((tmp_path / local.FILE).read_text())
    data["services"][0]["service"] = f"{PROVIDER}/{code}"
    (tmp_path / local.FILE).write_text(json.dumps(data))
    with pytest.raises(local.BadGatewayFile, match="code of a metaservice"):
        local.read(tmp_path)


@pytest.mark.parametrize("code", sorted(META))
def test_a_metaservice_is_asked_with_get_alone(xroad: XRoad, code: str) -> None:
    answer = xroad.ask(f"/r1/{PROVIDER}/{code}", "POST", body=b"{}")
    assert answer.json["message"] == f"Unknown service: SERVICE:{PROVIDER}/{code}"


def test_there_is_no_wsdl_by_rest(xroad: XRoad) -> None:
    assert xroad.ask(f"/r1/{PROVIDER}/getWsdl")["x-road-error"] == "Server.ServerProxy.UnknownService"


def test_metaservices_need_no_right_and_leave_evidence_like_any_message(xroad: XRoad) -> None:
    answer = xroad.ask(f"/r1/{PROVIDER}/listMethods", headers=[CLIENT, ("X-Road-Id", "meta-1")])
    assert (answer["x-road-id"], answer["x-road-service"]) == ("meta-1", f"{PROVIDER}/listMethods")
    assert len(answer["x-road-request-hash"]) == 88


# getOpenAPI


def test_get_openapi_gives_the_providers_document_as_json(xroad: XRoad) -> None:
    document = {"openapi": "3.0.3", "paths": {"/pets/{id}": {"get": {}}}, "info": {"title": "Hồ sơ"}}
    answer = describe(xroad, "petstore", json.dumps(document).encode())
    assert (answer.status, answer.json, answer["content-type"]) == (200, document, "application/json")
    assert xroad.system.seen[-1]["path"] == "/petstore/openapi.json"


def test_get_openapi_gives_the_providers_document_as_yaml(xroad: XRoad) -> None:
    text = b"# ours\nopenapi: 3.0.3\npaths:\n  /x: {}\n"
    answer = describe(xroad, "colours", text, extra="Content-Type: application/x-yaml\r\n")
    assert (answer.status, answer.body) == (200, text)
    assert answer["content-type"] == "application/x-yaml"


BELOW = (
    '{"openapi": "3.0.0", "paths": {"/a": {"servers": [{"url": "https://10.0.0.7/v2"}], "get": {"servers": '
    '[{"url": "http://10.0.0.7:1/v2"}, {"url": "{a}://b"}, {}]}}, "/b": 1}}'
)
BELOW_IN_YAML = (
    'openapi: 3.0.0\npaths:\n  /a:\n    get: {servers: [{url: "http://10.0.0.7/v2"}, {url: "{a}://b"}]}\n'
    "    servers: [url: https://10.0.0.7/v2]\nservers: 7\n"
)


@pytest.mark.parametrize(
    ("code", "document"),
    [
        ("petstore", '{"openapi": "3.0.0", "servers": [{"url": "https://10.0.0.7:8443/v2"}, {"url": "{a}://b"}]}'),
        ("colours", 'openapi: 3.0.0\nservers:\n  - {url: "https://10.0.0.7:8443/v2"}\n  - url: "{a}://b"  # kept\n'),
        ("petstore", BELOW),
        ("colours", BELOW_IN_YAML),
    ],
)
def test_get_openapi_does_not_tell_the_address_of_the_providers_system(xroad: XRoad, code: str, document: str) -> None:
    extra = "" if code == "petstore" else "Content-Type: application/yaml\r\n"
    answer = describe(xroad, code, document.encode(), extra=extra)
    assert answer.status == 200
    assert b"10.0.0.7" not in answer.body
    assert b"/v2" in answer.body
    assert b"{a}://b" in answer.body


def test_get_openapi_of_which_its_system_names_no_type_is_a_text(xroad: XRoad) -> None:
    answer = describe(xroad, "petstore", b"openapi: 3.0.0", extra="Content-Type:\r\n")
    assert (answer.status, answer["content-type"]) == (200, "text/plain")


def test_get_openapi_of_a_plain_service_names_its_type(xroad: XRoad) -> None:
    answer = xroad.ask(f"/r1/{PROVIDER}/getOpenAPI?serviceCode=guarded")
    assert answer.json["message"] == "Invalid service type: REST"
    assert (answer.status, answer["x-road-error"]) == (500, "Server.ServerProxy.InternalError")


def test_get_openapi_that_cannot_be_read_says_from_where(xroad: XRoad) -> None:
    message = describe(xroad, "petstore", b"", status=404).json["message"]
    assert message.startswith("Failed reading service description from https://127.0.0.1:")
    assert message.endswith("/petstore/openapi.json. Status: 404 Reason: Sure")


def test_why_a_description_cannot_be_read_is_said_in_what_can_be_printed() -> None:
    node, failed = Mock(), list[Fault]()
    provided = Mock(host="127.0.0.1", port=1, timeout=1.0, at=lambda path: path, description="/openapi.json")
    metaservices.fetch(provided, node, Mock(), Mock(), failed.append)
    node.send.call_args[0][0].done(Reply(500, b"No\xff\x1b thing"))
    assert failed[0].message.endswith("Status: 500 Reason: No thing")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "Missing serviceCode in message body"),
        ("?serviceCode=", "Missing serviceCode in message body"),
        ("?serviceCode=none", f"Service not found: SERVICE:{PROVIDER}/none"),
        (f"?serviceCode={'x' * 99}", f"Service not found: SERVICE:{PROVIDER}/{'x' * 80}"),
    ],
)
def test_get_openapi_says_what_is_missing(xroad: XRoad, query: str, message: str) -> None:
    assert xroad.ask(f"/r1/{PROVIDER}/getOpenAPI{query}").json["message"] == message
    assert xroad.ask(f"/r1/{PROVIDER}/getOpenAPI?SERVICECODE=guarded").json["message"] == "Invalid service type: REST"


@pytest.mark.parametrize(
    "document", [b"not: [a", b'{"openapi": "2.0"}', b"[]", b"", b"openapi: 3.0.0\na: &a [*a]\n", b"[" * 5000]
)
def test_get_openapi_refuses_what_is_no_description(xroad: XRoad, document: bytes) -> None:
    answer = describe(xroad, "colours", document, extra="Content-Type: application/yaml\r\n")
    assert (answer.status, answer["x-road-error"]) == (500, "Server.ServerProxy.InternalError")
    assert xroad.ask(PETS, headers=[CLIENT]).status == 200
    assert xroad.ask(f"{GUARDED}/public/a").status == 200
