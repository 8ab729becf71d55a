"""OpenAPI descriptions of providers: their endpoints, and what is no description."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.exchange import openapi
from onedoor.exchange.openapi import DescriptionRefused
from onedoor.exchange.permissions import Permission
from onedoor.exchange.tests.xroad import LATE, PROVIDER, XRoad

PATHS = {
    "/pets": {"get": {}, "post": {}, "summary": "all", "parameters": []},
    "/pets/{id}/images/{image-id}.png": {"put": {}},
    "/odd*\\": {"delete": {}},
    "x-ours": {"get": {}},
}
ENDPOINTS = [("GET", "/pets"), ("POST", "/pets"), ("PUT", "/pets/*/images/*.png"), ("DELETE", r"/odd\*\\")]
YAML = """
openapi: 3.1.0
servers: [{url: 'https://hồ-sơ.example:8443/v1'}, {url: /v2}]
paths:
  /pets: {get: {}, post: {}, summary: all}
  /pets/{id}/images/{image-id}.png:
    put: {}
  '/odd*\\': {delete: {}}
"""


@pytest.mark.parametrize("raw", [json.dumps({"openapi": "3.0.0", "paths": PATHS}).encode(), YAML.encode()])
def test_endpoints_are_those_of_the_paths_with_a_star_for_each_parameter(raw: bytes) -> None:
    assert openapi.read(raw).endpoints() == ENDPOINTS
    glob = Permission("c", "s", ("*",), (f"DELETE {ENDPOINTS[-1][1]}",))
    assert glob.covers("DELETE", "/odd*\\", "")
    assert not glob.covers("DELETE", "/oddly\\", "")


def test_only_the_address_changes_in_a_yaml_text() -> None:
    assert openapi.anonymous(YAML.encode()).decode() == YAML.replace("'https://hồ-sơ.example:8443/v1'", '"/v1"')


def test_no_address_of_a_system_is_told_wherever_it_stands() -> None:
    server = {"url": "https://10.0.0.7/v1"}
    item = {"servers": [server], "get": {"servers": [server]}}
    linking = {"responses": {"default": {"links": {"next": {"server": server}}}}}
    called = {"post": {"callbacks": {"done": {"{$request.body#/url}": item}}, **linking}}
    told = {"openapi": "3.1.0", "servers": [server], "paths": {"/a": item, "/b": called}, "webhooks": {"new": item},
            "components": {"pathItems": {"one": item}, "callbacks": {"two": {"x": item}}},
            "x-kept": {"examples": {"servers": [server]}}}  # fmt: skip
    hidden = json.loads(openapi.anonymous(json.dumps(told).encode()))
    assert (hidden.pop("x-kept"), told.pop("x-kept")) == ({"examples": {"servers": [server]}},) * 2
    assert hidden == json.loads(json.dumps(told).replace("https://10.0.0.7", ""))


def test_very_many_addresses_are_hidden_in_one_walk_through_the_text() -> None:
    raw = b"openapi: 3.0.0\nservers:\n" + b"- url: https://a.example/b\n" * 8_000
    raw += b"#" * (openapi.LARGEST - len(raw))
    moments = [time.process_time()]
    openapi.read(raw)
    moments.append(time.process_time())
    assert openapi.anonymous(raw).count(b'"/b"') == 8_000
    moments.append(time.process_time())
    assert moments[2] - moments[1] < 8 * (moments[1] - moments[0])  # to copy the text at each of them would be 30


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"{",
        b"[1]",
        b'{"openapi": "2.0"}',
        b"swagger: '2.0'",
        b"openapi: 3.0.0\nx: &a [1]\ny: *a\n",
        b"openapi: 3.0.0\nx: &a [1]\ny: *a\nz: *a\n",
        b"openapi: 3.0.0\n? {a: b}\n: c\n",
        b"openapi: 3.0.0\nx: " + b"[" * 10**6,
        b'{"openapi": "3.0.0", "x": ' + b"[" * 10**6,
        b"openapi: 3.0.0\n" + b"#" * openapi.LARGEST,
    ],
    ids=range(12),
)
def test_what_is_no_description_or_a_bomb_is_refused_at_once(raw: bytes) -> None:
    begun = time.monotonic()
    with pytest.raises(DescriptionRefused):
        openapi.read(raw)
    assert time.monotonic() - begun < 20


def test_a_description_of_too_many_parts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = b"openapi: 3.0.0\nx: [" + b"a," * 1000 + b"]"
    openapi.read(raw)
    monkeypatch.setattr(openapi, "MOST_EVENTS", 1000)
    with pytest.raises(DescriptionRefused):
        openapi.read(raw)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=60))
def test_any_text_is_a_description_or_refused(text: str) -> None:
    try:
        openapi.read(f"openapi: 3.0.0\n{text}".encode("utf-8", "replace"))
    except DescriptionRefused:
        return


def test_an_imported_description_is_served_and_its_endpoints_are_listed(xroad: XRoad) -> None:
    listed = xroad.ask(f"/r1/{PROVIDER}/listMethods").json["service"]
    entry = next(one for one in listed if one["service_code"] == "late")
    assert entry["service_type"] == "OPENAPI"
    assert [(one["method"], one["path"]) for one in entry["endpoint_list"]] == [("PUT", "/late/*")]
    answer = xroad.ask(f"/r1/{PROVIDER}/getOpenAPI?serviceCode=late")
    assert (answer["content-type"], answer.body) == ("application/yaml", LATE.replace(b"https://10.0.0.7/", b'"/"'))
    assert not xroad.system.seen
